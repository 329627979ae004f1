import type { Fault } from './faults.ts'

/**
 * Appends of one group, as columns: a few long arrays cross to another thread at a fraction of the cost of many small
 * objects. `streams`, `hashes`, `expected` and `counts` have an entry per append, the others one per event.
 */
export interface AppendColumns {
  readonly streams: string[]
  /** See stream-hash.ts. */
  readonly hashes: number[]
  /** Expected revision; {@link noStream} or {@link surelyNoStream} for none. */
  readonly expected: number[]
  /** Events of the append. */
  readonly counts: number[]
  readonly ids: string[]
  readonly types: string[]
  /** JSON texts. */
  readonly data: string[]
  readonly metadata: string[]
}

/** Revision of a stream that has no events. */
export const noStream = -1
/** Expected: no stream, and surely there is none, so that the writer need not look. */
export const surelyNoStream = -2

/** Writes that cross to the thread together. */
export interface WriteGroup {
  readonly appends: AppendColumns
  readonly checkpoints: { readonly name: string; readonly position: bigint }[]
  /** Events of these streams below a revision are deleted. `hash`: see stream-hash.ts. */
  readonly truncations: { readonly stream: string; readonly hash: number; readonly before: number }[]
  /** Write the probe's row too. */
  probe: boolean
  /** The store's clock at this write. */
  atMs: number
}

/** Numbers per append in {@link Written.results}. */
export const resultWidth = 3
/** `results[n]` of an append: 1 with revision and position of its last event, or 0 with the actual revision and 0. */
export const outcome = { conflict: 0, appended: 1 } as const

/** The events of one append, as they were written. */
export interface AppendedEvents {
  readonly hash: number
  readonly count: number
  /** Of the last of them. */
  readonly revision: number
  readonly position: number
}

/** A transaction. */
export interface Written {
  readonly kind: 'written'
  /** How many groups were in it, the oldest first. */
  readonly groups: number
  /** Of all their appends. */
  readonly results: readonly number[]
  /** Position of the last event in the store. */
  readonly head: number
  /** Position up to which the index of streams holds all. */
  readonly indexed: number
  /** From the start of the transaction until it was durable. */
  readonly durationMs: number
}

/** From the writer's thread. */
export type WriterMessage =
  /** Open; sent once. */
  | { readonly kind: 'ready'; readonly head: number }
  /** The database did not open; the thread ends. */
  | { readonly kind: 'not-opened'; readonly fault: Fault }
  | Written
  /** A transaction failed, with all its groups. `ending`: the thread takes nothing more and ends. */
  | { readonly kind: 'failed'; readonly groups: number; readonly fault: Fault; readonly ending: boolean }

/** To the writer's thread. */
export type WriterOrder =
  | { readonly kind: 'write'; readonly group: WriteGroup }
  /** Close the database, then end. */
  | { readonly kind: 'close' }
