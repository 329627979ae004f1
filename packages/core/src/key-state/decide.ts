import type { ExpectedRevision } from '../ports/event-store.ts'
import type { Accepted, KeyState, Removed, Resolved } from './state.ts'

/** The part of a command's definition that the key's state machine needs. */
export interface KeyPolicy {
  readonly expired: 'execute' | 'gone'
  readonly supersedes: boolean
  /**
   * How far the clocks of two machines may be apart, milliseconds: an expired key is reused only this much later, so
   * that it is never reusable early.
   */
  readonly clockSkewMs: number
}

export type KeyDecision =
  /** Start a generation by an append at the expected revision. */
  | { readonly kind: 'execute'; readonly generation: number; readonly expectedRevision: ExpectedRevision }
  /** The generation was begun and has no outcome: go on with it. */
  | { readonly kind: 'continue'; readonly state: Accepted }
  | { readonly kind: 'replay'; readonly state: Resolved }
  /** The key names another request. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'expired' }
  /** A generation that is newer than the attempt has begun while the attempt was under way. */
  | { readonly kind: 'superseded' }

/** The moment from which the key may start its next generation: the later of both clocks, and the margin. */
export function reusableAtMs(state: Resolved, clockSkewMs: number): number {
  const { completedAtMs, expiresAtMs } = state.outcome
  return Math.max(expiresAtMs, state.recordedAtMs + (expiresAtMs - completedAtMs)) + clockSkewMs
}

/** What an attempt with this fingerprint, made at this moment, meets. Pure. */
export function decide(
  state: KeyState,
  attempt: { readonly fingerprint: string; readonly nowMs: number },
  policy: KeyPolicy,
): KeyDecision {
  switch (state.kind) {
    case 'vacant':
      return { kind: 'execute', generation: 1, expectedRevision: 'no_stream' }
    case 'accepted':
      // A superseding request waits for the running one to end first: it may not fork the history.
      return state.fingerprint === attempt.fingerprint || policy.supersedes
        ? { kind: 'continue', state }
        : { kind: 'reused' }
    case 'released':
      return { kind: 'execute', generation: state.generation + 1, expectedRevision: state.revision }
    case 'removed':
      return decideRemoved(state, attempt, policy)
    case 'resolved':
      return decideResolved(state, attempt, policy)
  }
}

/** What the last generation was is not known any more; that there was one is. */
function decideRemoved(
  { fingerprint, generation, revision, removal }: Removed,
  attempt: { readonly fingerprint: string; readonly nowMs: number },
  policy: KeyPolicy,
): KeyDecision {
  const same = fingerprint === attempt.fingerprint
  // It was made before the key was free, and delivered now: perhaps it is the very attempt whose outcome was removed.
  const late = attempt.nowMs < removal.reusableAtMs
  const superseding = !same && policy.supersedes
  if (!late && (superseding || policy.expired === 'execute'))
    return { kind: 'execute', generation: generation + 1, expectedRevision: revision }
  return same || superseding ? { kind: 'expired' } : { kind: 'reused' }
}

function decideResolved(
  state: Resolved,
  attempt: { readonly fingerprint: string; readonly nowMs: number },
  policy: KeyPolicy,
): KeyDecision {
  const next: KeyDecision = { kind: 'execute', generation: state.generation + 1, expectedRevision: state.revision }
  const same = state.fingerprint === attempt.fingerprint
  if (!same && policy.supersedes) return next
  const expired = attempt.nowMs >= reusableAtMs(state, policy.clockSkewMs)
  if (expired && policy.expired === 'execute') return next
  if (!same) return { kind: 'reused' }
  return expired ? { kind: 'expired' } : { kind: 'replay', state }
}
