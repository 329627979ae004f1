import { commandIdOf, streamOf } from '../brands.ts'
import type { Command } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { Resolution } from '../ports/command-transport.ts'
import type { EventStore } from '../ports/event-store.ts'
import { decide, type KeyDecision } from './decide.ts'
import { loadKeyState, loadOutcomeOf } from './load.ts'
import type { Accepted, Resolved } from './state.ts'

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
  }
}

export interface ResolveOptions {
  readonly store: EventStore
  readonly command: Command
  /** See KeyPolicy.clockSkewMs. */
  readonly clockSkewMs: number
}

/**
 * Reads the key's stream and decides what the attempt meets there.
 *
 * The attempt is judged as of its arrival, so that a redelivery decides the same: it does not execute again because the
 * key has expired since. Nor because another request has superseded it since: then its own outcome stands further back.
 */
export async function decideFromStream(
  envelope: CommandEnvelope,
  { store, command, clockSkewMs }: ResolveOptions,
): Promise<KeyDecision> {
  const { tenant, key, attemptId, fingerprint, receivedAtMs } = envelope
  const stream = streamOf(commandIdOf(tenant, key))
  const state = await loadKeyState(store, stream)
  const { expired, supersedes } = command
  const decision = decide(state, { fingerprint, nowMs: receivedAtMs }, { expired, supersedes, clockSkewMs })
  if (decision.kind !== 'execute' || !supersedes || state.kind !== 'resolved') return decision
  const own = await loadOutcomeOf(store, stream, { attemptId, sinceMs: receivedAtMs - clockSkewMs })
  return own === undefined ? decision : { kind: 'replay', state: own }
}

/**
 * What the key's stream says to an attempt: the truth behind every lost reply. Undefined while the stream does not hold
 * the attempt's outcome yet.
 */
export async function resolveFromStream(
  envelope: CommandEnvelope,
  options: ResolveOptions,
): Promise<Resolution | undefined> {
  const decision = await decideFromStream(envelope, options)
  switch (decision.kind) {
    case 'replay':
      return replayOf(decision.state)
    case 'reused':
    case 'expired':
      return decision
    case 'continue':
      return runsElsewhere(envelope, { state: decision.state, ...options }) ? { kind: 'in-progress' } : undefined
    case 'execute':
      return undefined
  }
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
