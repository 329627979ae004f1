import type { JsonObject } from '../json.ts'

/** Revision that a stream must have for an append to succeed: that of its last event, or none at all. */
export type ExpectedRevision = bigint | 'no_stream'

export interface NewEvent {
  /**
   * UUID, random per logical attempt and kept across the transport retries of that attempt. Never
   * derived from the idempotency key alone: a store takes a known id at a known revision for a
   * re-append, and answers success without writing.
   */
  readonly id: string
  readonly type: string
  readonly data: JsonObject
  readonly metadata: JsonObject
}

export interface RecordedEvent extends NewEvent {
  readonly stream: string
  /** 0n for the first event of the stream; contiguous. */
  readonly revision: bigint
  /** Place in the global order; increasing, not contiguous. */
  readonly position: bigint
  /** The store's own clock at the write, milliseconds since the epoch. */
  readonly recordedAtMs: number
}

/** What a decision about a key needs of the last event of its stream: not the data, which may be large. */
export type LastRecord = Pick<RecordedEvent, 'stream' | 'revision' | 'position' | 'recordedAtMs' | 'metadata'>

export type AppendResult =
  | {
      readonly kind: 'appended'
      /** Revision of the last event of the append (also when it was stored before: an idempotent re-append). */
      readonly revision: bigint
      /** Global position of the last event of the append. */
      readonly position: bigint
    }
  | {
      readonly kind: 'conflict'
      /** What the stream's revision is in truth. */
      readonly actual: ExpectedRevision
    }

export interface ReadOptions {
  readonly direction: 'forwards' | 'backwards'
  /** Revision of the first event returned; default: the first (forwards) or last (backwards) of the stream. */
  readonly from?: bigint
  /** At most this many events. */
  readonly maxCount: number
}

export interface SubscribeOptions {
  /** Only streams whose name starts with this; '' for all that are not the store's own. */
  readonly prefix: string
  /** Only events of these types; default: all. */
  readonly types?: readonly string[]
  /** Deliver what stands after this global position; default: from the beginning. */
  readonly after?: bigint
  /** Ends the iteration. */
  readonly signal: AbortSignal
  /** At most this many events in a batch. Default 500. */
  readonly maxBatch?: number
}

/** A step of a subscription. */
export interface EventBatch {
  /** In global order. May be empty, when only the position moved or the end was reached. */
  readonly events: readonly RecordedEvent[]
  /** Everything up to here was delivered or filtered out: the checkpoint to resume from. */
  readonly position: bigint
  /** True when, at the time of reading, nothing stood after `position`. */
  readonly caughtUp: boolean
}

/**
 * Streams of events with optimistic concurrency. Every adapter runs the contract suite
 * `@holdfast/testing/event-store-contract`.
 *
 * All methods may reject with {@link EventStoreError}.
 */
export interface EventStore {
  /** Largest `data` + `metadata` of one event that the store takes, bytes of UTF-8. */
  readonly maxEventBytes: number
  /**
   * Appends all events or none, when the stream is at `expectedRevision`. Resolves after the write is durable.
   * If the events with these ids, all of them, already stand at `expectedRevision` + 1 …, nothing is written and
   * the answer is `appended` with their revision.
   *
   * @throws EventStoreError `event-too-large`, `unavailable` (surely not written), `unknown-outcome` (read, then decide)
   */
  append(stream: string, events: readonly NewEvent[], expectedRevision: ExpectedRevision): Promise<AppendResult>
  /**
   * True when the stream has no events, and no append to it is on its way from this process: told at once, without a
   * journey to the store. False says nothing. Left out where that cannot be told.
   */
  isSurelyEmpty?(stream: string): boolean
  /**
   * The stream's last event as `read` would find it, undefined if there is none: told at once, without a journey to the
   * store. Left out where that cannot be.
   *
   * @throws EventStoreError
   */
  last?(stream: string): LastRecord | undefined
  /** Reads events of one stream; an empty array if there are none (also: expired, deleted). Sees every acknowledged append. */
  read(stream: string, options: ReadOptions): Promise<readonly RecordedEvent[]>
  /**
   * Removes the events of one stream below a revision, for ever; its last event always stays, so that the stream's revision
   * does. Resolves when no read of the stream gives them any more. Subscriptions may go on to deliver them (EventStoreDB
   * until its scavenge). Nothing happens where there is nothing to remove.
   *
   * @throws EventStoreError `unavailable`, `unknown-outcome` (the same call may be made again)
   */
  truncate(stream: string, before: bigint): Promise<void>
  /**
   * All events of the matching streams, in global order, first the past and then live. Reconnects by itself and goes on
   * where it was; at least once, never a gap. Ends when the signal fires.
   *
   * @throws EventStoreError `corrupt` when `after` is no position of this store: past its end, or of another one
   */
  subscribe(options: SubscribeOptions): AsyncIterable<EventBatch>
  /** Resolves when the store has just taken a durable write (a probe of its own, outside all streams that callers see). */
  checkWritable(): Promise<void>
  /** Waits for the appends under way, then releases everything. */
  close(): Promise<void>
}

export type EventStoreErrorCode = 'unavailable' | 'unknown-outcome' | 'event-too-large' | 'corrupt' | 'closed'

/** A fault of the store, as against a conflict, which is an answer. */
export class EventStoreError extends Error {
  override readonly name = 'EventStoreError'
  readonly code: EventStoreErrorCode

  constructor(code: EventStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** True when the same call may be made again as it is. After `unknown-outcome`: with the same event ids only. */
  get canRetry(): boolean {
    return this.code === 'unavailable' || this.code === 'unknown-outcome'
  }
}
