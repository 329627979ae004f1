import type { Consumer, EachBatchPayload, PartitionAssigner } from 'kafkajs'
import { backoffMs, pause, settledWithin } from './backoff.ts'
import { createClient, endlessRetry } from './client.ts'
import type { KafkaConnection } from './client.ts'
import type { KafkaTransportMetrics } from './metrics.ts'

/** A member's share after a join. */
export interface Join {
  readonly consumer: Consumer
  readonly memberId: string
  readonly partitions: readonly number[]
}

export interface SupervisedConsumerOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  /** Asked for each new consumer. */
  readonly groupId: () => string
  readonly partitionAssigner?: PartitionAssigner
  /** Where a group that has committed nothing starts. */
  readonly fromBeginning: boolean
  /** After so long without a sign of life the group takes a member for dead, milliseconds. Default 6000. */
  readonly sessionTimeoutMs?: number
  /** Largest fetch of a partition, bytes; a larger message comes all the same. */
  readonly maxBytesPerPartition: number
  readonly metrics: KafkaTransportMetrics
  readonly eachBatch: (payload: EachBatchPayload) => Promise<void>
  /** Called at each join, before the first fetch: the place to seek. Must not block. */
  readonly onJoin: (join: Join) => void
  /** Called when a rebalance begins: the old share is still this member's, for a moment. */
  readonly onRebalancing?: () => void
}

export interface SupervisedConsumer {
  /** Resolves after the first join. */
  readonly joined: Promise<void>
  /** The consumer of now; undefined between two, and before the first has joined. */
  current(): Consumer | undefined
  /** Leaves the group. */
  close(): Promise<void>
}

/**
 * Sessions are short, since a group waits for a member that died without leaving. The broker's
 * `group.min.session.timeout.ms` is 6000 by default.
 */
const defaultSessionTimeoutMs = 6000
/** The heartbeat leaves room for five misses. */
const heartbeatsPerSession = 6
const rebalanceTimeoutMs = 15_000
/** A fetch waits this long for news. `disconnect` waits for it, and so does a partition that is resumed. */
const maxFetchWaitMs = 100
/** A consumer that fetched nothing for so long, not even an empty answer, is stuck and is replaced. */
const stallTimeoutMs = 30_000
const disconnectTimeoutMs = 5000
const replacementBackoff = { minMs: 100, maxMs: 2000 }

/**
 * Keeps a consumer of one topic alive: KafkaJS tries again by itself, and what it gives up (CRASH), or what stalls,
 * is replaced by a new consumer from a new client. Never ends before `close`.
 */
export function superviseConsumer(options: SupervisedConsumerOptions): SupervisedConsumer {
  const { connection, topic, metrics, sessionTimeoutMs = defaultSessionTimeoutMs } = options
  const { logger } = connection
  const closing = new AbortController()
  const joined = Promise.withResolvers<void>()
  let current: Consumer | undefined

  const oneLife = async (): Promise<unknown> => {
    const client = createClient(connection)
    const consumer = client.kafka.consumer({
      groupId: options.groupId(),
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.floor(sessionTimeoutMs / heartbeatsPerSession),
      rebalanceTimeout: rebalanceTimeoutMs,
      maxWaitTimeInMs: maxFetchWaitMs,
      maxBytesPerPartition: options.maxBytesPerPartition,
      allowAutoTopicCreation: false,
      // A consumer that crashed is never started again by KafkaJS: one path, ours.
      retry: { ...endlessRetry, restartOnFailure: () => Promise.resolve(false) },
      ...(options.partitionAssigner && { partitionAssigners: [options.partitionAssigner] }),
    })
    const ended = Promise.withResolvers<unknown>()
    let lastSign = performance.now()
    const sign = () => {
      lastSign = performance.now()
    }
    const watchdog = setInterval(() => {
      if (performance.now() - lastSign > stallTimeoutMs) ended.resolve(new Error('the consumer fetches no more'))
    }, stallTimeoutMs / 10)
    watchdog.unref()
    const onClose = () => ended.resolve(undefined)
    closing.signal.addEventListener('abort', onClose)

    // Before run(): it resolves after the join, and the event is past by then.
    consumer.on(consumer.events.CRASH, ({ payload }) => ended.resolve(payload.error))
    consumer.on(consumer.events.FETCH, sign)
    consumer.on(consumer.events.REBALANCING, () => options.onRebalancing?.())
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      sign()
      current = consumer
      const { memberId, memberAssignment } = payload
      options.onJoin({ consumer, memberId, partitions: memberAssignment[topic] ?? [] })
      joined.resolve()
    })

    const start = async () => {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: options.fromBeginning })
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: options.eachBatch })
    }
    start().catch(ended.resolve)
    try {
      return await ended.promise
    } finally {
      clearInterval(watchdog)
      closing.signal.removeEventListener('abort', onClose)
      current = undefined
      client.abandon()
      await settledWithin(consumer.disconnect(), disconnectTimeoutMs)
    }
  }

  const live = async () => {
    let attempt = 0
    while (!closing.signal.aborted) {
      const bornAt = performance.now()
      const error = await oneLife()
      if (closing.signal.aborted) return
      metrics.consumerReplaced?.({ error })
      const reason = error instanceof Error ? error.message : String(error)
      logger.warn({ reason, topic }, 'a consumer ended; another one takes its place')
      attempt = performance.now() - bornAt > stallTimeoutMs ? 1 : attempt + 1
      await pause(backoffMs(attempt, replacementBackoff), closing.signal)
    }
  }
  const life = live()

  return {
    joined: joined.promise,
    current: () => current,
    close: async () => {
      closing.abort()
      await life
    },
  }
}
