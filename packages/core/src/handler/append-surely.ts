import type { Clock } from '../ports/clock.ts'
import {
  EventStoreError,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
} from '../ports/event-store.ts'
import { jittered } from './backoff.ts'

const tries = 6
const pauseMs = 50

export interface SureAppend {
  readonly stream: string
  readonly events: readonly NewEvent[]
  readonly expectedRevision: ExpectedRevision
}

/**
 * Appends, and settles an unknown outcome by appending the same event ids again at the same revision: if the first
 * write arrived, the store answers with its revision and writes nothing; if another worker's did, it is a conflict.
 *
 * @throws EventStoreError `unknown-outcome` when that stays so; everything else at once
 */
export async function appendSurely(
  deps: { readonly store: EventStore; readonly clock: Clock },
  { stream, events, expectedRevision }: SureAppend,
): Promise<AppendResult> {
  for (let time = 1; ; time++) {
    try {
      return await deps.store.append(stream, events, expectedRevision)
    } catch (error) {
      const unknown = error instanceof EventStoreError && error.code === 'unknown-outcome'
      if (!unknown || time === tries) throw error
      await deps.clock.sleep(jittered(pauseMs * 2 ** time))
    }
  }
}
