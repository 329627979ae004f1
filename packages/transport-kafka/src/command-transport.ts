import { TransportError, commandIdOf, streamOf } from '@holdfast/core'
import type { CommandEnvelope, CommandTransport, Dispatch, Resolution } from '@holdfast/core'
import type { IHeaders } from 'kafkajs'
import { untilAborted } from './backoff.ts'
import type { Backoff } from './backoff.ts'
import type { KafkaConnection } from './client.ts'
import { silentLogger } from './logger.ts'
import type { KafkaLogger } from './logger.ts'
import { encodeCommand, headerNames } from './messages.ts'
import type { KafkaTransportMetrics } from './metrics.ts'
import { partitionOf } from './partitioning.ts'
import { createPendingAttempts } from './pending-attempts.ts'
import { createKafkaSender } from './producer.ts'
import { listenForReplies } from './reply-listener.ts'
import type { SupervisedConsumer } from './supervised-consumer.ts'
import { withAdmin } from './topic-setup.ts'
import { KafkaSetupError, ensureTopics } from './topics.ts'
import type { TopicLayout, TopicOptions } from './topics.ts'

export interface KafkaCommandTransportOptions extends TopicOptions, Omit<KafkaConnection, 'logger'> {
  /** Names this gateway in replies; different for every gateway that runs at a time. */
  readonly instanceId: string
  /**
   * Reads the key's stream: what became of the attempt, or undefined while it is open. Polled with back-off for each
   * attempt that waits, so that a lost reply costs latency and never an answer.
   */
  readonly lookup: (envelope: CommandEnvelope) => Promise<Resolution | undefined>
  readonly logger?: KafkaLogger
  readonly metrics?: KafkaTransportMetrics
  /** How long a command may wait for its acknowledgement before the caller is told to come again. Default 5000. */
  readonly publishTimeoutMs?: number
  /** How long an attempt may wait for its outcome. Default 120,000: twice the longest that a caller may wait. */
  readonly maxPendingMs?: number
  /**
   * When the key's stream is read while no reply comes. Default from 250 ms, doubling, up to 5 s. Where replies are
   * slower than that at present, the first read waits until this one is late.
   */
  readonly lookupBackoff?: Backoff
  /** Reads of streams at a time, all attempts together. Default 64. */
  readonly maxConcurrentLookups?: number
  /** Commands that may wait to be sent, while the brokers are slow or away. Default 20,000. */
  readonly maxWaiting?: number
  /** The partition of the replies topic that this gateway reads. Default: by the hash of `instanceId`. */
  readonly replyPartition?: number
}

/** The gateway's side: {@link CommandTransport} on Kafka. */
export interface KafkaCommandTransport extends CommandTransport {
  /**
   * Resolves when commands can be taken for the first time; brokers that are away are waited for. Rejects with
   * {@link KafkaSetupError} when a person has to put something right. Until then `ready()` is false, and `dispatch`
   * refuses.
   */
  readonly started: Promise<void>
  /** Attempts that wait for their outcome, and commands that wait for their acknowledgement. */
  stats(): { readonly pending: number; readonly waiting: number }
}

interface Running {
  readonly layout: TopicLayout
  readonly replyPartition: string
}

/** What is still on its way to the brokers when the transport is closed gets this long. */
const closeTimeoutMs = 5000

/**
 * Carries commands over `<prefix>.commands`, keyed by stream name, and hears of outcomes on its own partition of
 * `<prefix>.replies`. Starts at once, in the background.
 */
export function createKafkaCommandTransport(options: KafkaCommandTransportOptions): KafkaCommandTransport {
  const { instanceId, logger = silentLogger, metrics = {} } = options
  const { publishTimeoutMs = 5000, maxWaiting = 20_000 } = options
  const connection: KafkaConnection = { ...options, logger }
  const closing = new AbortController()
  const sender = createKafkaSender(connection, metrics)
  const pending = createPendingAttempts({
    lookup: options.lookup,
    lookupBackoff: options.lookupBackoff ?? { minMs: 250, maxMs: 5000 },
    maxConcurrentLookups: options.maxConcurrentLookups ?? 64,
    publishTimeoutMs,
    maxPendingMs: options.maxPendingMs ?? 120_000,
    logger,
    metrics,
  })
  let listener: SupervisedConsumer | undefined
  let running: Running | undefined

  const start = async () => {
    const found = await withAdmin(connection, closing.signal, async (admin) => {
      const layout = await ensureTopics(admin, options, logger)
      const partition = ownPartition(options, layout)
      // Read before the first command is published: every reply to this process stands behind it.
      const offsets = await admin.fetchTopicOffsets(layout.names.replies)
      const end = offsets.find((entry) => entry.partition === partition)?.high
      if (end === undefined) throw new Error(`no offset for partition ${partition} of ${layout.names.replies} yet`)
      return { layout, partition, startOffset: BigInt(end) }
    })
    const { layout, partition, startOffset } = found
    listener = listenForReplies({
      connection,
      topic: layout.names.replies,
      partition,
      instanceId,
      startOffset,
      metrics,
      onReply: (reply) => pending.reply(reply),
    })
    await untilAborted(Promise.all([listener.joined, sender.start()]), closing.signal)
    running = { layout, replyPartition: String(partition) }
  }

  /** Undefined when a command can be taken now. */
  const refusal = (): string | undefined => {
    if (closing.signal.aborted) return 'the transport is closed'
    if (running === undefined) return 'the transport has not connected yet'
    // What is on its way is the probe: as soon as it is acknowledged, commands are taken again.
    if (sender.busyMs() > publishTimeoutMs) return 'the brokers do not acknowledge'
    if (sender.waiting() >= maxWaiting) return `${maxWaiting} commands wait to be sent`
    return undefined
  }

  const dispatch = (envelope: CommandEnvelope): Dispatch => {
    const why = refusal()
    if (why !== undefined || running === undefined) return refused(new TransportError(why))
    const { layout, replyPartition } = running
    const value = encodeCommand(envelope)
    const key = Buffer.from(streamOf(commandIdOf(envelope.tenant, envelope.key)))
    if (value.length + messageOverheadBytes > layout.maxMessageBytes) return tooLarge(layout.maxMessageBytes)
    const headers: IHeaders = {
      [headerNames.replyPartition]: replyPartition,
      [headerNames.replyInstance]: instanceId,
      ...(envelope.traceparent !== undefined && { [headerNames.traceparent]: envelope.traceparent }),
    }
    const partition = partitionOf(key, layout.partitions.commands)
    const sending = sender.send({ topic: layout.names.commands, partition, key, value, headers })
    const attempt = pending.add(envelope, () => sending.abandon())
    sending.acknowledged.then(
      () => attempt.published(),
      (error: unknown) => attempt.fail(new TransportError('the command could not be published', { cause: error })),
    )
    return attempt.dispatch
  }

  const started = start()
  // Whoever does not wait for it asks ready().
  started.catch((error: unknown) => {
    if (!closing.signal.aborted) logger.error({ err: error }, 'the Kafka transport cannot start')
  })

  const shutDown = async () => {
    closing.abort(new TransportError('the transport was closed before it started'))
    await started.catch(() => undefined)
    await sender.close(closeTimeoutMs)
    pending.close(new TransportError('the transport is closed; what was accepted goes on'))
    await listener?.close()
  }
  let closed: Promise<void> | undefined

  return {
    started,
    dispatch,
    ready: () => refusal() === undefined,
    stats: () => ({ pending: pending.size, waiting: sender.waiting() }),
    close: () => (closed ??= shutDown()),
  }
}

/** Headers, key and framing, generously. */
const messageOverheadBytes = 1024

function ownPartition(options: KafkaCommandTransportOptions, layout: TopicLayout): number {
  const count = layout.partitions.replies
  const { replyPartition, instanceId } = options
  if (replyPartition === undefined) return partitionOf(Buffer.from(instanceId), count)
  if (Number.isInteger(replyPartition) && replyPartition >= 0 && replyPartition < count) return replyPartition
  throw new KafkaSetupError(`reply partition ${replyPartition}: topic ${layout.names.replies} has 0 to ${count - 1}`)
}

function refused(error: TransportError): Dispatch {
  const rejected = Promise.reject<never>(error)
  rejected.catch(() => undefined)
  return { durable: () => rejected, resolution: rejected, attempts: () => 1 }
}

/** The command does not fit into a message: no handler will ever see it, and nothing is recorded. */
function tooLarge(maxBytes: number): Dispatch {
  const error = new TransportError(`the command is larger than a message may be (${maxBytes} bytes)`)
  return { ...refused(error), resolution: Promise.resolve({ kind: 'too-large' }) }
}
