import type { Consumer } from 'kafkajs'
import { settledWithin } from './backoff.ts'
import type { KafkaLogger } from './logger.ts'
import type { KafkaTransportMetrics } from './metrics.ts'
import type { PartitionShare } from './partition-share.ts'

export interface OffsetCommitterOptions {
  readonly topic: string
  readonly share: PartitionShare
  /** The consumer of now. */
  readonly consumer: () => Consumer | undefined
  readonly intervalMs: number
  readonly logger: KafkaLogger
  readonly metrics: KafkaTransportMetrics
}

export interface OffsetCommitter {
  /** Something was finished: commits within the interval. */
  schedule(): void
  /** Commits now what can be committed. Never rejects. */
  now(): Promise<void>
  /** The last commit, bounded; none after it. */
  close(timeoutMs: number): Promise<void>
}

/**
 * Commits the finished prefix of each partition, one request at a time. A commit that fails (a rebalance, a member that
 * was dropped) is not repeated as it is: the next one takes what is true then, and what nobody commits comes again.
 */
export function createOffsetCommitter(options: OffsetCommitterOptions): OffsetCommitter {
  const { topic, share, intervalMs, logger, metrics } = options
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let closed = false

  const commit = async () => {
    const due = share.all().flatMap((owned) => {
      const offset = owned.progress.committable()
      return offset === undefined ? [] : [{ owned, offset }]
    })
    const consumer = options.consumer()
    if (due.length === 0 || consumer === undefined) return
    try {
      await consumer.commitOffsets(
        due.map(({ owned, offset }) => ({ topic, partition: owned.partition, offset: String(offset) })),
      )
      for (const { owned, offset } of due) {
        owned.progress.committed(offset)
        metrics.committed?.({ partition: owned.partition, offset })
      }
    } catch (error) {
      logger.debug({ err: error }, 'a commit was refused; what it covered may come again')
      schedule()
    }
  }

  const now = async () => {
    // What was finished since the running commit was put together is not in it.
    while (running !== undefined) await running
    running = commit().finally(() => {
      running = undefined
    })
    await running
  }

  const schedule = () => {
    if (closed || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      void now()
    }, intervalMs)
  }

  return {
    schedule,
    now,
    close: async (timeoutMs) => {
      closed = true
      clearTimeout(timer)
      await settledWithin(now(), timeoutMs)
    },
  }
}
