import type { DomainEvent } from '../command/define-command.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { StoredResponse } from './events.ts'

/** A step as the stream tells of it. */
export interface StepRecord {
  readonly name: string
  readonly status: 'started' | 'completed' | 'undone'
  /** Absent for a step that returned `undefined`. */
  readonly result?: JsonValue
  /** Where an aggregate's step wrote, or was about to. */
  readonly place?: AggregatePlace
}

/** Where to look for the events of a step that wrote to an aggregate. */
export interface AggregatePlace {
  readonly stream: string
  /** Revision of the aggregate before the append; -1 for none. The events stand after it, or not at all. */
  readonly after: number
}

/** The outcome that was decided when the compensation began. */
export interface CompensationRecord {
  readonly kind: 'rejected' | 'failed'
  readonly events: readonly DomainEvent[]
  readonly response: StoredResponse
}

/** Data of `StepStarted`, and of `StepCompleted`, which adds `result` and `place` as in {@link StepRecord}. */
interface StepData extends JsonObject {
  readonly step: string
  readonly index: number
}

/** Folds a step's event into the list of steps, which is ordered as the command asked for them. */
export function withStep(
  steps: readonly StepRecord[],
  data: JsonObject,
  status: StepRecord['status'],
): readonly StepRecord[] {
  const { index, step } = data as StepData
  const before = steps[index]
  const place = (data['place'] as AggregatePlace | undefined) ?? before?.place
  // A result may be null.
  const result = 'result' in data ? data['result'] : before?.result
  const record: StepRecord = {
    name: step,
    status,
    ...(result !== undefined && { result }),
    ...(place && { place }),
  }
  return [...steps.slice(0, index), record, ...steps.slice(index + 1)]
}
