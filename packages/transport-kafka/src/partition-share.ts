import type { Consumer } from 'kafkajs'
import type { KafkaTransportMetrics } from './metrics.ts'
import { createPartitionProgress } from './partition-progress.ts'
import type { PartitionProgress } from './partition-progress.ts'
import type { Join } from './supervised-consumer.ts'

/** A partition while this member holds it. */
export interface OwnedPartition {
  readonly partition: number
  readonly progress: PartitionProgress
  /** Fires when the partition goes to another member, or this one is shut down: work on it is no longer ours. */
  readonly lost: AbortController
  paused: boolean
}

export interface PartitionShareOptions {
  readonly topic: string
  /** Open messages per partition at which its fetching pauses; it resumes at half of them. */
  readonly window: number
  readonly metrics: KafkaTransportMetrics
}

export interface PartitionShare {
  /** Takes over the result of a join, before the first fetch. */
  join(join: Join): void
  get(partition: number): OwnedPartition | undefined
  all(): readonly OwnedPartition[]
  /** Pauses or resumes the partition, by its open messages. Call when their number changed. */
  regulate(owned: OwnedPartition): void
  /** Pauses all, for good: also what later joins bring. */
  drain(): void
  /** Gives all up. */
  abandon(): void
}

/**
 * The partitions that this member holds, and how far it is in each. KafkaJS tells of no revocation, only of the share
 * after a join; and it fetches from the committed offset then. A member that stayed in the group goes on behind what it
 * has taken. One that was dropped meanwhile (its member id changed) cannot know what others did: it starts anew.
 */
export function createPartitionShare({ topic, window, metrics }: PartitionShareOptions): PartitionShare {
  const owned = new Map<number, OwnedPartition>()
  let consumer: Consumer | undefined
  let memberId: string | undefined
  let draining = false

  const drop = (entry: OwnedPartition) => {
    owned.delete(entry.partition)
    entry.lost.abort()
  }

  const setPaused = (entry: OwnedPartition, paused: boolean) => {
    entry.paused = paused
    const which = [{ topic, partitions: [entry.partition] }]
    if (paused) consumer?.pause(which)
    else consumer?.resume(which)
    metrics.paused?.({ partition: entry.partition, paused })
  }

  return {
    join: (joined) => {
      const stayed = joined.consumer === consumer && joined.memberId === memberId
      consumer = joined.consumer
      memberId = joined.memberId
      for (const entry of owned.values()) {
        if (!stayed || !joined.partitions.includes(entry.partition)) drop(entry)
      }
      for (const partition of joined.partitions) {
        const kept = owned.get(partition)
        if (kept === undefined) {
          const entry = { partition, progress: createPartitionProgress(), lost: new AbortController(), paused: false }
          owned.set(partition, entry)
          // KafkaJS remembers a pause from an earlier time of holding it.
          if (draining) consumer.pause([{ topic, partitions: [partition] }])
          else consumer.resume([{ topic, partitions: [partition] }])
        } else if (kept.progress.next !== undefined) {
          consumer.seek({ topic, partition, offset: String(kept.progress.next) })
        }
      }
      metrics.assigned?.({ partitions: joined.partitions })
    },
    get: (partition) => owned.get(partition),
    all: () => [...owned.values()],
    regulate: (entry) => {
      if (draining || owned.get(entry.partition) !== entry) return
      if (!entry.paused && entry.progress.open >= window) setPaused(entry, true)
      else if (entry.paused && entry.progress.open <= window / 2) setPaused(entry, false)
    },
    drain: () => {
      draining = true
      for (const entry of owned.values()) setPaused(entry, true)
    },
    abandon: () => {
      for (const entry of owned.values()) drop(entry)
    },
  }
}
