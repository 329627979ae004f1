import type { Clock, EventStore, Projection, ReadStore } from '@holdfast/core'

export interface LagOptions {
  readonly events: EventStore
  readonly store: ReadStore
  readonly clock: Clock
  /** Ends the measurement, which then rejects with the signal's reason. */
  readonly signal: AbortSignal
}

/**
 * How far what is read of a projection is behind: the age, in milliseconds, of the oldest event that its live build has not
 * folded; 0 when there is none. Undefined when the projection was never built. It asks the stores alone: it tells the truth
 * about projectors that are dead, too.
 *
 * @throws ReadStoreError, EventStoreError
 */
export async function projectionLagMs(projection: Projection, options: LagOptions): Promise<number | undefined> {
  const { events, store, clock, signal } = options
  const live = await store.live(projection.name)
  if (live === undefined) return undefined
  const found = new AbortController()
  const after = live.position === 0n ? {} : { after: live.position }
  const stop = AbortSignal.any([signal, found.signal])
  try {
    const { types } = projection
    for await (const batch of events.subscribe({ prefix: '', types, ...after, maxBatch: 1, signal: stop })) {
      const [oldest] = batch.events
      if (oldest !== undefined) return Math.max(0, clock.nowMs() - oldest.recordedAtMs)
      if (batch.caughtUp) return 0
    }
  } finally {
    found.abort()
  }
  signal.throwIfAborted()
  return undefined
}
