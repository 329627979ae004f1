import kafkajs from 'kafkajs'
import type { Kafka, KafkaConfig, LogEntry } from 'kafkajs'
import { applyWorkarounds } from './kafkajs-workarounds.ts'
import type { KafkaLogger } from './logger.ts'

/** How the brokers are reached. */
export interface KafkaConnection {
  /** `host:port` of some brokers of the cluster. */
  readonly brokers: readonly string[]
  /** Names this process in the brokers' logs. Default 'holdfast'. */
  readonly clientId?: string
  /** TLS, as KafkaJS takes it. Default: none. */
  readonly ssl?: KafkaConfig['ssl']
  /** Authentication, as KafkaJS takes it. Default: none. */
  readonly sasl?: KafkaConfig['sasl']
  readonly logger: KafkaLogger
}

/**
 * Retries inside KafkaJS: bounded back-off, endless. With its defaults (5 retries) a broker that was away for 6 s cost
 * a third of all sends, and consumers came back after 43 s; so: none, and 13 s. Deadlines stand outside, in this package.
 */
export const endlessRetry = { initialRetryTime: 100, maxRetryTime: 1000, retries: Number.MAX_SAFE_INTEGER }

/** How long KafkaJS waits for an answer, milliseconds; its default of 30 s makes a frozen broker too costly. */
export const requestTimeoutMs = 10_000

const connectionTimeoutMs = 1000

/** A KafkaJS client that can be given up. */
export interface KafkaClient {
  readonly kafka: Kafka
  /**
   * Ends the endless retries of all that was made from it. KafkaJS has no such call, and its timers keep the process
   * alive; but an empty list of brokers is an error that it does not retry.
   */
  abandon(): void
}

applyWorkarounds()

export function createClient(connection: KafkaConnection): KafkaClient {
  let abandoned = false
  const { brokers, clientId = 'holdfast', ssl, sasl, logger } = connection
  const kafka = new kafkajs.Kafka({
    brokers: () => (abandoned ? [] : [...brokers]),
    clientId,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry: endlessRetry,
    logCreator: () => (entry) => forward(logger, entry),
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
  })
  return {
    kafka,
    abandon: () => {
      abandoned = true
    },
  }
}

/**
 * One level below KafkaJS's own: its errors are tries that it repeats itself, "coordinator is loading" at a first join
 * among them; what is final reaches this package as an exception and is logged here.
 */
function forward(logger: KafkaLogger, { namespace, level, log }: LogEntry): void {
  const { timestamp: _timestamp, logger: _logger, stack: _stack, message, ...details } = log
  const line = `kafkajs ${namespace}: ${message}`
  if (level === kafkajs.logLevel.ERROR || level === kafkajs.logLevel.WARN) logger.warn(details, line)
  else logger.debug(details, line)
}
