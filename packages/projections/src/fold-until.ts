import type { EventStore, Projection, RecordedEvent } from '@holdfast/core'
import type { Fold } from './fold.ts'
import { isAfter, type Moment } from './moment.ts'

export interface FoldUntilOptions {
  readonly events: EventStore
  /** Where to stop; undefined: at the end of the history, as it is at some moment after the call. */
  readonly until: Moment | undefined
  readonly signal?: AbortSignal | undefined
  /** Called after each batch; false ends it there. */
  readonly onBatch?: (() => Promise<boolean> | boolean) | undefined
}

/**
 * Goes on with a fold up to a moment, or to the end of the history.
 *
 * @returns false when `onBatch` or the signal ended it before
 * @throws FoldError, EventStoreError, what the fold's `load` throws
 */
export async function foldUntil(projection: Projection, fold: Fold, options: FoldUntilOptions): Promise<boolean> {
  const { events, until, onBatch } = options
  if (until !== undefined && 'position' in until && until.position <= fold.position) return true
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal])
  const { types } = projection
  const after = fold.position === 0n ? {} : { after: fold.position }
  try {
    for await (const batch of events.subscribe({ prefix: '', types, ...after, signal })) {
      const cut = until === undefined ? -1 : batch.events.findIndex((event) => isAfter(event, until))
      const wanted = cut === -1 ? batch.events : batch.events.slice(0, cut)
      await fold.apply(wanted, reached(fold, batch, { wanted, cut, until }))
      const goesOn = (await onBatch?.()) ?? true
      if (cut !== -1 || batch.caughtUp || isReached(batch.position, until)) return true
      if (!goesOn) return false
    }
    return false
  } finally {
    stop.abort()
  }
}

interface Cut {
  readonly wanted: readonly RecordedEvent[]
  readonly cut: number
  readonly until: Moment | undefined
}

/** The position that the wanted events lead to: never beyond the moment. */
function reached(fold: Fold, batch: { readonly position: bigint }, { wanted, cut, until }: Cut): bigint {
  if (until !== undefined && 'position' in until)
    return batch.position < until.position ? batch.position : until.position
  return cut === -1 ? batch.position : (wanted.at(-1)?.position ?? fold.position)
}

const isReached = (position: bigint, until: Moment | undefined): boolean =>
  until !== undefined && 'position' in until && position >= until.position
