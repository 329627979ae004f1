import type { DeadLetterReason } from './dead-letters.ts'

/**
 * Called as things happen; every one may be left out. They must not throw and should be cheap: counters and
 * observations. Durations are in milliseconds.
 */
export interface KafkaTransportMetrics {
  /** A batch of messages was acknowledged by all in-sync replicas. */
  published?(info: { readonly messages: number; readonly bytes: number; readonly durationMs: number }): void
  /** A producer gave up and was replaced; its batch is sent again. */
  producerReplaced?(info: { readonly error: unknown }): void
  /** A consumer crashed or stalled and was replaced. */
  consumerReplaced?(info: { readonly error: unknown }): void
  /** A command was not acknowledged in time; the caller was told to come again. */
  publishTimedOut?(): void
  /** A pending attempt was resolved: by a reply, or by a look-up since the reply was late or lost. */
  resolved?(info: { readonly by: 'reply' | 'look-up'; readonly durationMs: number }): void
  /** A pending attempt was given up; what is durable goes on by itself. */
  givenUp?(): void
  /** Commands came from a partition. */
  received?(info: { readonly partition: number; readonly messages: number }): void
  /** A command was processed. */
  processed?(info: { readonly durationMs: number; readonly attempts: number }): void
  /** Processing failed; the key backs off and tries again. */
  retried?(info: { readonly attempt: number; readonly delayMs: number; readonly error: unknown }): void
  /** A message went to the dead letters. */
  deadLettered?(info: { readonly reason: DeadLetterReason }): void
  /** Everything before this offset is processed and published, and will not come again. */
  committed?(info: { readonly partition: number; readonly offset: bigint }): void
  /** The handler's share of the partitions changed. */
  assigned?(info: { readonly partitions: readonly number[] }): void
  /** A partition reached its window (or came back below it). */
  paused?(info: { readonly partition: number; readonly paused: boolean }): void
}
