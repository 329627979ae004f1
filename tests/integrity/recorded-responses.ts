import { commandStreamPrefix, type OutcomeRecord, type RecordedEnvelope } from '@holdfast/core'
import { withHistory } from '../support/read-history.ts'

/** The recorded bodies by idempotency key, one for each generation, read from the events alone. */
export function recordedResponses(dataDir: string): Promise<ReadonlyMap<string, readonly string[]>> {
  return withHistory(dataDir, async (store) => {
    const keys = new Map<string, string>()
    const bodies = new Map<string, string[]>()
    const stop = new AbortController()
    for await (const batch of store.subscribe({ prefix: commandStreamPrefix, signal: stop.signal })) {
      for (const { stream, metadata } of batch.events) {
        const envelope = metadata['envelope'] as unknown as RecordedEnvelope | undefined
        if (envelope !== undefined) keys.set(stream, envelope.key)
        const outcome = metadata['outcome'] as unknown as OutcomeRecord | undefined
        if (outcome === undefined) continue
        const key = keys.get(stream) ?? `${stream} without an envelope`
        bodies.set(key, [...(bodies.get(key) ?? []), outcome.response.body])
      }
      if (batch.caughtUp) stop.abort()
    }
    return bodies
  })
}
