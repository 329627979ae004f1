import { commandIdOf, streamOf, type Fingerprint, type StreamName } from '../brands.ts'
import type { Command } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { Resolution } from '../ports/command-transport.ts'
import type { EventStore, LastRecord } from '../ports/event-store.ts'
import { decide, type KeyDecision } from './decide.ts'
import { loadKeyState, loadOutcomeOf } from './load.ts'
import { keyMetadata, type Accepted, type KeyState, type Resolved } from './state.ts'

/** A recorded outcome as the answer to an attempt. */
export function replayOf(state: Resolved): Resolution {
  const { outcome, generation, attemptId } = state
  return {
    kind: 'outcome',
    outcome: outcome.kind,
    response: outcome.response,
    generation,
    attemptId,
    completedAtMs: outcome.completedAtMs,
    expiresAtMs: outcome.expiresAtMs,
    position: String(state.position),
  }
}

/**
 * What the last event of the key's stream says to an attempt that is made at this very moment. Undefined where that takes
 * more than this event, or something is to be executed. Pure.
 *
 * @throws EventStoreError `corrupt` when Holdfast did not write the event
 */
export function resolutionNow(
  last: LastRecord,
  attempt: { readonly fingerprint: Fingerprint; readonly nowMs: number },
  { command, clockSkewMs }: Omit<ResolveOptions, 'store'>,
): Resolution | undefined {
  const { generation, fingerprint, attemptId, outcome } = keyMetadata(last)
  if (outcome === undefined) return undefined
  const { revision, position, recordedAtMs } = last
  const state: Resolved = {
    kind: 'resolved',
    generation,
    revision,
    fingerprint,
    attemptId,
    outcome,
    position,
    recordedAtMs,
  }
  const { expired, supersedes } = command
  return settledBy(decide(state, attempt, { expired, supersedes, clockSkewMs }))
}

/** What a decision says by itself; undefined where something is to be executed, or is under way. */
function settledBy(decision: KeyDecision): Resolution | undefined {
  switch (decision.kind) {
    case 'replay':
      return replayOf(decision.state)
    case 'reused':
    case 'expired':
    case 'superseded':
      return decision
    case 'continue':
    case 'execute':
      return undefined
  }
}

export interface ResolveOptions {
  readonly store: EventStore
  readonly command: Command
  /** See KeyPolicy.clockSkewMs. */
  readonly clockSkewMs: number
  /**
   * When the attempt reached its handler, by the handler's clock; undefined for a gateway, which looks an attempt up that is
   * under way, and leaves it to the handler.
   */
  readonly arrivedAtMs?: number
}

/**
 * Reads the key's stream and decides what the attempt meets there.
 *
 * The attempt is judged as of its arrival, so that a redelivery decides the same: it does not execute again because the
 * key has expired since. Nor because the key was released since, or another request has superseded it: then its own
 * outcome stands further back.
 */
export async function decideFromStream(
  envelope: CommandEnvelope,
  { store, command, clockSkewMs, arrivedAtMs }: ResolveOptions,
): Promise<KeyDecision> {
  const { tenant, key, attemptId, fingerprint, receivedAtMs } = envelope
  const stream = streamOf(commandIdOf(tenant, key))
  const state = await loadKeyState(store, stream)
  const { expired, supersedes } = command
  const decision = decide(state, { fingerprint, nowMs: receivedAtMs }, { expired, supersedes, clockSkewMs })
  const sinceMs = receivedAtMs - clockSkewMs
  if (mayStandFurtherBack(state, { attemptId, sinceMs })) {
    const own = await loadOutcomeOf(store, stream, { attemptId, sinceMs })
    if (own !== undefined) return { kind: 'replay', state: own }
  }
  if (decision.kind !== 'execute' || !supersedes || state.kind !== 'resolved') return decision
  return (await isOvertaken(envelope, { store, stream, generation: state.generation, arrivedAtMs }))
    ? { kind: 'superseded' }
    : decision
}

/** What is received and reaches its handler within this time is simultaneous: none is refused, whatever order they come in. */
const lateAfterMs = 1_000

/**
 * True when the key's last generation began after its gateway had looked at the key for this attempt, was received after
 * it, and one of both took long: well after it, or the attempt itself was under way for long, perhaps after its caller had
 * given it up. A generation that was there when the attempt was made is never newer, whatever the clocks say.
 */
async function isOvertaken(
  { basedOnGeneration, receivedAtMs }: CommandEnvelope,
  {
    store,
    stream,
    generation,
    arrivedAtMs = receivedAtMs,
  }: {
    readonly store: EventStore
    readonly stream: StreamName
    readonly generation: number
    readonly arrivedAtMs: number | undefined
  },
): Promise<boolean> {
  if (basedOnGeneration === undefined || generation <= basedOnGeneration) return false
  const last = await loadKeyState(store, stream, { withEnvelope: true })
  if (last.kind !== 'resolved' || last.envelope === undefined) return false
  const laterMs = last.envelope.receivedAtMs - receivedAtMs
  return laterMs > lateAfterMs || (laterMs > 0 && arrivedAtMs - receivedAtMs > lateAfterMs)
}

/** True when the attempt may have had its outcome before what the stream ends with: an attempt has none from before it came. */
function mayStandFurtherBack(
  state: KeyState,
  { attemptId, sinceMs }: { readonly attemptId: string; readonly sinceMs: number },
): boolean {
  switch (state.kind) {
    case 'vacant':
    case 'removed':
      return false
    case 'released':
      return true
    case 'accepted':
    case 'resolved':
      return state.generation > 1 && state.attemptId !== attemptId && state.recordedAtMs >= sinceMs
  }
}

/**
 * What the key's stream says to an attempt: the truth behind every lost reply. Undefined while the stream does not hold
 * the attempt's outcome yet.
 */
export async function resolveFromStream(
  envelope: CommandEnvelope,
  options: ResolveOptions,
): Promise<Resolution | undefined> {
  return resolutionOf(envelope, await decideFromStream(envelope, options), options)
}

/** What a decision says to an attempt; undefined while it is to be executed, or is under way. */
export function resolutionOf(
  envelope: CommandEnvelope,
  decision: KeyDecision,
  options: Omit<ResolveOptions, 'store'>,
): Resolution | undefined {
  if (decision.kind !== 'continue') return settledBy(decision)
  return runsElsewhere(envelope, { state: decision.state, ...options }) ? { kind: 'in-progress' } : undefined
}

/**
 * True when the command says `concurrent: 'conflict'` and another attempt at the same request is being executed, wherever
 * that is. Believed for as long as all its tries may take, so that no key answers "in progress" for ever: after that, an
 * attempt is carried to a handler, which finds out.
 */
function runsElsewhere(
  envelope: CommandEnvelope,
  { state, command, clockSkewMs }: { readonly state: Accepted } & Omit<ResolveOptions, 'store'>,
): boolean {
  if (command.concurrent !== 'conflict') return false
  if (state.fingerprint !== envelope.fingerprint || state.attemptId === envelope.attemptId) return false
  const { attempts, timeoutMs, maxDelayMs } = command.retry
  return envelope.receivedAtMs - state.acceptedAtMs < attempts * (timeoutMs + maxDelayMs) + clockSkewMs
}
