import { TransportError } from '@holdfast/core'
import type { KafkaConnection } from '@holdfast/transport-kafka'
import type { Command } from 'commander'
import { CliError, exitCodes } from './cli-error.ts'
import { settingsOf, type StoreOptions } from './open-store.ts'

export interface KafkaOptions extends StoreOptions {
  readonly kafkaBrokers?: string
  readonly prefix?: string
}

export const addKafkaOptions = (command: Command): Command =>
  command
    .option('--kafka-brokers <list>', 'default: HOLDFAST_KAFKA_BROKERS, if that is set')
    .option('--prefix <name>', 'first part of the topic names; default: HOLDFAST_KAFKA_TOPIC_PREFIX')

/**
 * Kafka where it is named, on the command line or in the environment (the setting's default names one always); undefined in
 * the embedded runtime. @throws SettingsError
 */
export function kafkaOf(
  { kafkaBrokers, prefix }: KafkaOptions,
  environment = process.env,
): { readonly connection: KafkaConnection; readonly topicPrefix: string } | undefined {
  if ((kafkaBrokers ?? environment['HOLDFAST_KAFKA_BROKERS'] ?? '') === '') return undefined
  const settings = settingsOf({ KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix }, environment)
  return {
    connection: { brokers: settings.KAFKA_BROKERS, clientId: 'holdfast-cli', logger: silent },
    topicPrefix: settings.KAFKA_TOPIC_PREFIX,
  }
}

/** @throws CliError `unavailable` when Kafka is away */
export async function onKafka<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof TransportError) throw new CliError(exitCodes.unavailable, error.message, { cause: error })
    throw error
  }
}

const nothing = (): void => undefined
/** What KafkaJS notices by the way is not an operator's business; what it fails with is told. */
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
