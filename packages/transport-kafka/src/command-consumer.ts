import { UnderWay, type CommandEnvelope } from '@holdfast/core'
import type { EachBatchPayload, KafkaMessage } from 'kafkajs'
import { backoffMs, pause, settledWithin, untilAborted } from './backoff.ts'
import type { Backoff } from './backoff.ts'
import type { KafkaConnection } from './client.ts'
import { createKeyQueues } from './key-queues.ts'
import type { Slot } from './key-queues.ts'
import { silentLogger } from './logger.ts'
import type { KafkaLogger } from './logger.ts'
import { decodeCommand } from './messages.ts'
import type { KafkaTransportMetrics } from './metrics.ts'
import { createOffsetCommitter } from './offset-committer.ts'
import { createOutcomePublisher } from './outcome-publisher.ts'
import type { OutcomePublisher, ProcessedCommand, ReceivedMessage } from './outcome-publisher.ts'
import { createPartitionShare } from './partition-share.ts'
import type { OwnedPartition } from './partition-share.ts'
import { createKafkaSender } from './producer.ts'
import { superviseConsumer } from './supervised-consumer.ts'
import type { SupervisedConsumer } from './supervised-consumer.ts'
import { withAdmin } from './topic-setup.ts'
import { ensureTopics, topicNames } from './topics.ts'
import type { TopicOptions } from './topics.ts'

/** Beside the envelope. */
export interface CommandContext {
  /** Number of the try in this process, from 1. */
  readonly attempt: number
  /** Fires when the command's partition went to another handler, or this one must end: stop as soon as you can. */
  readonly signal: AbortSignal
}

export interface KafkaCommandConsumerOptions extends TopicOptions, Omit<KafkaConnection, 'logger'> {
  /** Handlers of one group share the partitions. Default `<prefix>.handlers`. */
  readonly groupId?: string
  /**
   * A handler that gave no sign of life for so long is taken for dead, and its partitions go to others, milliseconds. Not
   * below the broker's `group.min.session.timeout.ms`. Default 6000.
   */
  readonly sessionTimeoutMs?: number
  /**
   * Brings a command to its outcome, which is durable when this resolves. When it rejects (the store is away), the key
   * waits and is tried again, without end, while other keys go on. The same command may come more than once, also at
   * the same time in another handler.
   */
  readonly process: (envelope: CommandEnvelope, context: CommandContext) => Promise<ProcessedCommand>
  /** Called when reply and result are acknowledged, before the offset is committed. */
  readonly onPublished?: (envelope: CommandEnvelope, processed: ProcessedCommand) => void
  readonly logger?: KafkaLogger
  readonly metrics?: KafkaTransportMetrics
  /**
   * Calls of `process` that may run at a time, over all partitions; one that rejected and waits does not count. Default
   * 1000: a command that waits inside `process` (its own retries) keeps its place, and must not keep others from theirs.
   */
  readonly concurrency?: number
  /** Open commands per partition at which its fetching pauses. Default 1000. A key that cannot go on occupies one. */
  readonly window?: number
  /** How long a key waits after a failed try. Default from 100 ms, doubling, up to 10 s. */
  readonly retryBackoff?: Backoff
  /** Longest time from a finished command to its commit. What is not committed comes again. Default 100. */
  readonly commitIntervalMs?: number
  /** How long `close` waits for commands under way. Default 10,000. */
  readonly drainTimeoutMs?: number
}

export interface KafkaCommandConsumer {
  /**
   * Resolves when this handler has joined its group for the first time; brokers that are away are waited for. Rejects
   * with {@link KafkaSetupError} when a person has to put something right.
   */
  readonly started: Promise<void>
  /** True while it is a member of the group. */
  ready(): boolean
  /** Fires when the partition goes elsewhere; undefined while it is not this handler's. */
  holds(partition: number): AbortSignal | undefined
  /** Partitions that it holds, commands that are open (fetched, not finished) and under way. */
  stats(): { readonly partitions: readonly number[]; readonly open: number; readonly running: number }
  /** Fetches no more, finishes what is under way (bounded), publishes, commits, leaves the group. */
  close(): Promise<void>
}

/** Publishing and committing at the end get this long each. */
const closeTimeoutMs = 5000

/**
 * The handler's side: works the keys of a partition side by side and each key in order, answers to the gateway, publishes
 * results, and commits only the contiguous prefix that is processed and published. Starts at once, in the background.
 */
export function createKafkaCommandConsumer(options: KafkaCommandConsumerOptions): KafkaCommandConsumer {
  const { process: handle, logger = silentLogger, metrics = {}, window = 1000 } = options
  const { retryBackoff = { minMs: 100, maxMs: 10_000 } } = options
  const connection: KafkaConnection = { ...options, logger }
  const prefix = options.topicPrefix ?? 'holdfast'
  const topic = topicNames(prefix).commands
  const stopping = new AbortController()
  const sender = createKafkaSender(connection, metrics)
  const queues = createKeyQueues(options.concurrency ?? 1000)
  const share = createPartitionShare({ topic, window, metrics })
  const publishing = new UnderWay()
  let supervised: SupervisedConsumer | undefined
  let publisher: OutcomePublisher | undefined
  const intervalMs = options.commitIntervalMs ?? 100
  const committer = createOffsetCommitter({
    topic,
    share,
    consumer: () => supervised?.current(),
    intervalMs,
    logger,
    metrics,
  })

  const start = async () => {
    const layout = await withAdmin(connection, stopping.signal, (admin) => ensureTopics(admin, options, logger))
    await untilAborted(sender.start(), stopping.signal)
    publisher = createOutcomePublisher({ sender, layout, logger, metrics })
    supervised = superviseConsumer({
      connection,
      topic,
      groupId: () => options.groupId ?? `${prefix}.handlers`,
      // Commands that were published before the first handler ever came are commands all the same.
      fromBeginning: true,
      ...(options.sessionTimeoutMs !== undefined && { sessionTimeoutMs: options.sessionTimeoutMs }),
      maxBytesPerPartition: 256 * 1024,
      metrics,
      eachBatch,
      onJoin: (join) => share.join(join),
      // The members still hold their shares until all have joined again: less comes twice.
      onRebalancing: () => void committer.now(),
    })
    await untilAborted(supervised.joined, stopping.signal)
  }

  const eachBatch = (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload
    const owned = share.get(batch.partition)
    if (owned === undefined || publisher === undefined || stopping.signal.aborted) return Promise.resolve()
    metrics.received?.({ partition: batch.partition, messages: batch.messages.length })
    for (const message of batch.messages) {
      if (owned.progress.accept(BigInt(message.offset))) take(owned, message, publisher)
    }
    // Moves the fetch position only; commits are made elsewhere.
    payload.resolveOffset(batch.lastOffset())
    share.regulate(owned)
    return Promise.resolve()
  }

  const take = (owned: OwnedPartition, message: KafkaMessage, out: OutcomePublisher) => {
    const received = { message, partition: owned.partition }
    const decoded = decodeCommand(message.value)
    if (decoded.kind === 'unreadable') {
      finishAfter(owned, message, () => out.deadLetter(received, decoded))
      return
    }
    const key = message.key?.toString() ?? `${owned.partition}/${message.offset}`
    queues.enqueue(key, async (slot) => {
      const processed = await processUntilDone({ owned, received, envelope: decoded.value, slot, out })
      if (processed === undefined) return
      // The key goes on; the sender keeps the order.
      finishAfter(owned, message, async () => {
        const published = await out.outcome(received, decoded.value, processed)
        if (published) options.onPublished?.(decoded.value, processed)
        return published
      })
    })
  }

  interface Task {
    readonly owned: OwnedPartition
    readonly received: ReceivedMessage
    readonly envelope: CommandEnvelope
    readonly slot: Slot
    readonly out: OutcomePublisher
  }

  /** Undefined when the command is no longer this handler's: it comes again, here or elsewhere. */
  const processUntilDone = async (task: Task): Promise<(ProcessedCommand & { attempts: number }) | undefined> => {
    const { owned, received, envelope, slot, out } = task
    const { signal } = owned.lost
    for (let attempt = 1; !signal.aborted && !stopping.signal.aborted; attempt++) {
      const startedAt = performance.now()
      try {
        const processed = await handle(envelope, { attempt, signal })
        metrics.processed?.({ durationMs: performance.now() - startedAt, attempts: attempt })
        return { ...processed, attempts: processed.attempts ?? attempt }
      } catch (error) {
        if (signal.aborted) return undefined
        const delayMs = backoffMs(attempt, retryBackoff)
        metrics.retried?.({ attempt, delayMs, error })
        logger.warn({ err: error, attempt, delayMs, attemptId: envelope.attemptId }, 'a try failed; its key waits')
        out.progress(received, envelope, attempt + 1)
        await slot.yielding(pause(delayMs, AbortSignal.any([signal, stopping.signal])))
      }
    }
    return undefined
  }

  const finishAfter = (owned: OwnedPartition, message: KafkaMessage, publish: () => Promise<boolean>) => {
    const finish = async () => {
      if (!(await publish())) return
      owned.progress.finish(BigInt(message.offset))
      share.regulate(owned)
      committer.schedule()
    }
    publishing.begin()
    void finish().finally(() => publishing.end())
  }

  const started = start()
  // Whoever does not wait for it asks ready().
  started.catch((error: unknown) => {
    if (!stopping.signal.aborted) logger.error({ err: error }, 'the Kafka consumer cannot start')
  })

  const shutDown = async () => {
    stopping.abort(new Error('the consumer was closed before it started'))
    await started.catch(() => undefined)
    share.drain()
    await settledWithin(queues.idle(), options.drainTimeoutMs ?? 10_000)
    await settledWithin(publishing.idle(), closeTimeoutMs)
    await committer.close(closeTimeoutMs)
    share.abandon()
    await supervised?.close()
    await sender.close(closeTimeoutMs)
  }
  let closed: Promise<void> | undefined

  return {
    started,
    ready: () => supervised?.current() !== undefined && !stopping.signal.aborted,
    holds: (partition) => share.get(partition)?.lost.signal,
    stats: () => ({
      partitions: share.all().map(({ partition }) => partition),
      open: share.all().reduce((sum, { progress }) => sum + progress.open, 0),
      running: queues.running,
    }),
    close: () => (closed ??= shutDown()),
  }
}
