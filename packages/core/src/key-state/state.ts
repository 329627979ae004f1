import type { Fingerprint } from '../brands.ts'
import { EventStoreError, type LastRecord, type RecordedEvent } from '../ports/event-store.ts'
import type { JsonObject } from '../json.ts'
import {
  keyEventTypes,
  type AttemptFailedData,
  type KeyEventMetadata,
  type OutcomeRecord,
  type RecordedEnvelope,
  type ReleaseRecord,
  type RemovalRecord,
} from './events.ts'
import { withStep, type CompensationRecord, type StepRecord } from './steps.ts'

/** Where a key stands, folded from its stream. */
export type KeyState = Vacant | Accepted | Resolved | Released | Removed

/** No generation has been started. */
export interface Vacant {
  readonly kind: 'vacant'
}

interface Generation {
  /** 1 for the first. */
  readonly generation: number
  /** Revision of the stream's last event. */
  readonly revision: bigint
  readonly fingerprint: Fingerprint
  readonly attemptId: string
}

/** The command is durable, its outcome is not there yet. */
export interface Accepted extends Generation {
  readonly kind: 'accepted'
  readonly envelope: RecordedEnvelope
  /** The store's clock at the first event. */
  readonly acceptedAtMs: number
  /** The store's clock at the last event. */
  readonly recordedAtMs: number
  /** Tries that have failed. */
  readonly failedAttempts: number
  /** Not before this moment; 0 for at once. */
  readonly nextAttemptAtMs: number
  /** In the order in which the command asked for them. */
  readonly steps: readonly StepRecord[]
  /** Set once the outcome is decided and the steps are being undone. */
  readonly compensation?: CompensationRecord
}

export interface Resolved extends Generation {
  readonly kind: 'resolved'
  readonly outcome: OutcomeRecord
  /** Global position of the event with the outcome. */
  readonly position: bigint
  /** The store's clock at the outcome. */
  readonly recordedAtMs: number
  /** Absent when only the last event of a generation of several events was read. */
  readonly envelope?: RecordedEnvelope
  /** The store's clock at the first event, if that was read. */
  readonly acceptedAtMs?: number
}

/** An operator took the outcome away from the key: the next request is the next generation, whatever it asks for. */
export interface Released extends Generation {
  readonly kind: 'released'
  readonly release: ReleaseRecord
  /** The store's clock at the release. */
  readonly recordedAtMs: number
  readonly envelope?: RecordedEnvelope
  readonly acceptedAtMs?: number
}

/** The history was removed after it had been expired for long: the next request is the next generation. */
export interface Removed extends Generation {
  readonly kind: 'removed'
  readonly removal: RemovalRecord
}

export const vacant: Vacant = { kind: 'vacant' }

/** The metadata that every event on a key's stream carries. @throws EventStoreError `corrupt` if it is not there */
export function keyMetadata(event: LastRecord): KeyEventMetadata {
  const metadata = event.metadata as JsonObject & Partial<KeyEventMetadata>
  if (metadata.v !== 1 || typeof metadata.generation !== 'number' || typeof metadata.fingerprint !== 'string') {
    throw new EventStoreError(
      'corrupt',
      `event ${event.revision} of ${event.stream} has no metadata of version 1: it was not written by Holdfast, or by a newer one`,
    )
  }
  return metadata as unknown as KeyEventMetadata
}

/** True of the event that ends a generation: it carries the outcome, or the release of the key. */
export const endsGeneration = ({ outcome, release }: KeyEventMetadata): boolean =>
  outcome !== undefined || release !== undefined

/**
 * Folds one event into the state. Starts at any generation's first event, or at its last one: that alone tells the
 * outcome, which is why a replay reads a single event.
 */
export function evolve(state: KeyState, event: RecordedEvent): KeyState {
  const metadata = keyMetadata(event)
  const common: Generation = {
    generation: metadata.generation,
    revision: event.revision,
    fingerprint: metadata.fingerprint,
    attemptId: metadata.attemptId,
  }
  if (metadata.removal) return { kind: 'removed', ...common, removal: metadata.removal }
  const before =
    state.kind !== 'vacant' && state.kind !== 'removed' && state.generation === metadata.generation ? state : undefined
  const envelope = metadata.envelope ?? before?.envelope
  const acceptedAtMs = metadata.envelope ? event.recordedAtMs : before?.acceptedAtMs
  if (metadata.outcome) {
    return {
      kind: 'resolved',
      ...common,
      outcome: metadata.outcome,
      position: event.position,
      recordedAtMs: event.recordedAtMs,
      ...(envelope && { envelope }),
      ...(acceptedAtMs !== undefined && { acceptedAtMs }),
    }
  }
  if (metadata.release) {
    return {
      kind: 'released',
      ...common,
      release: metadata.release,
      recordedAtMs: event.recordedAtMs,
      ...(envelope && { envelope }),
      ...(acceptedAtMs !== undefined && { acceptedAtMs }),
    }
  }
  if (envelope === undefined || acceptedAtMs === undefined) {
    throw new EventStoreError(
      'corrupt',
      `generation ${metadata.generation} of ${event.stream} does not begin with its envelope`,
    )
  }
  const accepted: Accepted = {
    failedAttempts: 0,
    nextAttemptAtMs: 0,
    steps: [],
    ...(before?.kind === 'accepted' && before),
    kind: 'accepted',
    ...common,
    envelope,
    acceptedAtMs,
    recordedAtMs: event.recordedAtMs,
  }
  return withProgress(accepted, event)
}

/** What an event in the middle of a generation adds. */
function withProgress(accepted: Accepted, { type, data }: RecordedEvent): Accepted {
  switch (type) {
    case keyEventTypes.attemptFailed: {
      const failed = data as AttemptFailedData
      return { ...accepted, failedAttempts: failed.attempt, nextAttemptAtMs: failed.next_attempt_at_ms }
    }
    case keyEventTypes.stepStarted:
      return { ...accepted, steps: withStep(accepted.steps, data, 'started') }
    case keyEventTypes.stepCompleted:
      return { ...accepted, steps: withStep(accepted.steps, data, 'completed') }
    case keyEventTypes.stepUndone:
      return { ...accepted, steps: withStep(accepted.steps, data, 'undone') }
    case keyEventTypes.compensationStarted:
      return { ...accepted, compensation: data as unknown as CompensationRecord }
    default:
      return accepted
  }
}
