import type { EventStore, Projection } from '@holdfast/core'

export interface Stretch {
  readonly after: bigint
  readonly upTo: bigint
  /** Gives up: the answer is false. */
  readonly signal: AbortSignal
}

/**
 * True when the history reaches from one position to another, and no event that the projection folds stands between: then
 * what holds for the first holds for the second. A store that filters on its side may tell positions of other events late,
 * so a checkpoint alone does not say it.
 *
 * @throws EventStoreError
 */
export async function nothingBetween(
  projection: Projection,
  events: EventStore,
  { after, upTo, signal }: Stretch,
): Promise<boolean> {
  const types = new Set(projection.types)
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  const from = after === 0n ? {} : { after }
  try {
    // Without a filter: so the position itself is seen, or that there is no such position.
    for await (const batch of events.subscribe({ prefix: '', ...from, maxBatch: 100, signal: stop })) {
      if (batch.events.some(({ type, position }) => position <= upTo && types.has(type))) return false
      if (batch.position >= upTo) return true
      if (batch.caughtUp) return false
    }
    return false
  } finally {
    ended.abort()
  }
}
