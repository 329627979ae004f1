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
export function appendSurely(deps: AppendDeps, append: SureAppend): Promise<AppendResult> {
  return appendOnce(deps, append).catch((error: unknown) => appendAgain(deps, append, error))
}

interface AppendDeps {
  readonly store: EventStore
  readonly clock: Clock
}

const appendOnce = ({ store }: AppendDeps, { stream, events, expectedRevision }: SureAppend): Promise<AppendResult> =>
  store.append(stream, events, expectedRevision)

async function appendAgain(deps: AppendDeps, append: SureAppend, first: unknown): Promise<AppendResult> {
  let error = first
  for (let time = 1; time < tries && isUnknown(error); time++) {
    await deps.clock.sleep(jittered(pauseMs * 2 ** time))
    try {
      return await appendOnce(deps, append)
    } catch (fault) {
      error = fault
    }
  }
  throw error
}

const isUnknown = (error: unknown): boolean => error instanceof EventStoreError && error.code === 'unknown-outcome'
