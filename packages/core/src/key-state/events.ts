import type { Fingerprint, Tenant } from '../brands.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { JsonObject } from '../json.ts'

/** A response as it is stored with the event, and sent: the same bytes for ever. */
export interface StoredResponse {
  readonly status: number
  /** Declared headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The body's text; '' for none. */
  readonly body: string
}

export type OutcomeKind = 'succeeded' | 'rejected' | 'failed'

/** How a generation of a key ended. Written once, on its last event. */
export interface OutcomeRecord {
  readonly kind: OutcomeKind
  readonly response: StoredResponse
  /** Clock of the handler that decided, milliseconds since the epoch. */
  readonly completedAtMs: number
  /** Completion plus retention. */
  readonly expiresAtMs: number
  /** How often a handler tried. */
  readonly attempts: number
}

/** The envelope as it stands on the first event of a generation; fingerprint and attempt are beside it. */
export type RecordedEnvelope = Omit<CommandEnvelope, 'v' | 'fingerprint' | 'attemptId'>

/** Why a key was released before its time, and by whom. */
export interface ReleaseRecord {
  readonly reason: string
  /** Name of the operator. */
  readonly by: string
  /** The gateway's clock, milliseconds since the epoch. */
  readonly releasedAtMs: number
}

/** That a key's history was removed, and from when on the key was free by then. */
export interface RemovalRecord {
  /** Attempts from before this moment come too late to be judged: they are not executed. Milliseconds since the epoch. */
  readonly reusableAtMs: number
  /** Clock of the process that removed it, milliseconds since the epoch. */
  readonly removedAtMs: number
}

/** Data of `HistoryRemoved`. */
export interface HistoryRemovedData extends JsonObject {
  /** Global position (a decimal number) and digest (hex, see `eventDigest`) of each event that was removed, oldest first. */
  readonly removed: readonly (readonly [position: string, digest: string])[]
}

/** Metadata of every event on a key's stream. */
export interface KeyEventMetadata {
  readonly v: 1
  /** 1 for the first use of the key. */
  readonly generation: number
  readonly fingerprint: Fingerprint
  /** The attempt that this generation executes. */
  readonly attemptId: string
  /** Whose command it is; on the first event of a generation the envelope says so. */
  readonly tenant?: Tenant
  /** Version of the event's data; absent for 1. */
  readonly version?: number
  /** On the first event of a generation. */
  readonly envelope?: RecordedEnvelope
  /** On the last event of a generation. */
  readonly outcome?: OutcomeRecord
  /** On `KeyReleased`, which may stand behind the last event of a generation. */
  readonly release?: ReleaseRecord
  /** On `HistoryRemoved`, which then is the first event of its stream. */
  readonly removal?: RemovalRecord
}

/**
 * Types of the events that Holdfast itself writes on a key's stream. Domain events stand beside them under the types
 * that the application gives; the last domain event of a generation carries the outcome in its metadata.
 */
export const keyEventTypes = {
  accepted: 'CommandAccepted',
  attemptFailed: 'AttemptFailed',
  stepStarted: 'StepStarted',
  stepCompleted: 'StepCompleted',
  compensationStarted: 'CompensationStarted',
  stepUndone: 'StepUndone',
  succeeded: 'CommandSucceeded',
  rejected: 'CommandRejected',
  failed: 'CommandFailed',
  released: 'KeyReleased',
  historyRemoved: 'HistoryRemoved',
} as const

/** Data of `AttemptFailed`: a try that failed and will be followed by another. */
export interface AttemptFailedData extends JsonObject {
  readonly attempt: number
  readonly error: string
  readonly next_attempt_at_ms: number
}
