import type { CommandEnvelope } from '../envelope.ts'
import type { OutcomeKind, StoredResponse } from '../key-state/events.ts'

/** What became of an attempt. Plain data: it travels over Kafka as JSON. */
export type Resolution =
  | {
      readonly kind: 'outcome'
      readonly outcome: OutcomeKind
      readonly response: StoredResponse
      readonly generation: number
      /** The attempt that was executed; another than the caller's own means: a replay. */
      readonly attemptId: string
      /** Clock of the handler that decided, milliseconds since the epoch. */
      readonly completedAtMs: number
      readonly expiresAtMs: number
      /** Global position of the event with the outcome, in decimal digits; '' from a handler that does not tell it. */
      readonly position: string
    }
  /** The key names another request. */
  | { readonly kind: 'reused' }
  /** The key has expired, and the command says `expired: 'gone'`. */
  | { readonly kind: 'expired' }
  /** A newer request for the same resource was executed while this attempt was under way; it was not. */
  | { readonly kind: 'superseded' }
  /** Another attempt is running, and the command says `concurrent: 'conflict'`. */
  | { readonly kind: 'in-progress' }
  /** The outcome does not fit into one event of the store; nothing was recorded. */
  | { readonly kind: 'too-large' }

/** An attempt on its way. */
export interface Dispatch {
  /**
   * Resolves once the command, or its outcome, is durable: only then may the caller be told 202. A transport that
   * makes commands durable by the outcome's append records the acceptance when this is called.
   */
  durable(): Promise<void>
  /** Rejects with TransportError or EventStoreError when the attempt was given up; what is durable goes on by itself. */
  readonly resolution: Promise<Resolution>
  /** How often a handler has tried, as far as this process knows. */
  attempts(): number
}

/** Carries commands to a handler and outcomes back: at least once, in order per key. */
export interface CommandTransport {
  dispatch(envelope: CommandEnvelope): Dispatch
  /** True when commands can be taken now. */
  ready(): boolean
  /** Stops taking commands, lets go of the rest: what is accepted is durable. */
  close(): Promise<void>
}

/** The transport cannot take or carry a command now; the same attempt may be made again. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code = 'unavailable'
}
