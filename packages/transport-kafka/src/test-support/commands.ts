import type { ResultEvent } from '@holdfast/contracts'
import { commandIdOf, fingerprintOf, outcomeResult, parseIdempotencyKey, parseTenant } from '@holdfast/core'
import type { CommandEnvelope, OutcomeRecord, Resolution } from '@holdfast/core'

const tenant = parseTenant('test')
if (tenant === undefined) throw new Error('invalid tenant')

/** An attempt under a key. */
export function attempt(key: string = crypto.randomUUID(), input: CommandEnvelope['input'] = {}): CommandEnvelope {
  const parsed = parseIdempotencyKey(key)
  if (parsed.kind !== 'key' || tenant === undefined) throw new Error(`invalid key ${key}`)
  return {
    v: 1,
    command: 'test.command',
    tenant,
    key: parsed.key,
    fingerprint: fingerprintOf('test.command', input),
    attemptId: crypto.randomUUID(),
    requestId: crypto.randomUUID(),
    receivedAtMs: 1_700_000_000_000,
    seed: 1,
    input,
  }
}

const completedAtMs = 1_700_000_000_500
const expiresAtMs = 1_700_086_400_500

const responseOf = ({ key }: CommandEnvelope, status: number): OutcomeRecord['response'] => ({
  status,
  headers: {},
  body: `{"key":${JSON.stringify(key)}}`,
})

export function outcomeOf(envelope: CommandEnvelope, outcome: 'succeeded' | 'failed' = 'succeeded'): Resolution {
  const response = responseOf(envelope, outcome === 'failed' ? 500 : 201)
  const { attemptId } = envelope
  return { kind: 'outcome', outcome, response, generation: 1, attemptId, completedAtMs, expiresAtMs, position: '8' }
}

/** The result of `outcomeOf(envelope)`. */
export function resultOf(envelope: CommandEnvelope): ResultEvent {
  const { tenant, key } = envelope
  return outcomeResult(
    { commandId: commandIdOf(tenant, key), generation: 1, origin: envelope },
    { kind: 'succeeded', response: responseOf(envelope, 201), completedAtMs, expiresAtMs },
  )
}
