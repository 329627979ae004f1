import { fingerprintOf, parseIdempotencyKey, parseTenant } from '@holdfast/core'
import type { CommandEnvelope, Resolution } from '@holdfast/core'
import type { ResultEvent } from '../result-events.ts'

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

export function outcomeOf(envelope: CommandEnvelope, outcome: 'succeeded' | 'failed' = 'succeeded'): Resolution {
  return {
    kind: 'outcome',
    outcome,
    response: {
      status: outcome === 'failed' ? 500 : 201,
      headers: {},
      body: `{"key":${JSON.stringify(envelope.key)}}`,
    },
    generation: 1,
    attemptId: envelope.attemptId,
    completedAtMs: 1_700_000_000_500,
    expiresAtMs: 1_700_086_400_500,
  }
}

export function resultOf(envelope: CommandEnvelope): ResultEvent {
  return {
    id: `result-${envelope.attemptId}`,
    type: 'test.done',
    source: '/commands',
    subject: envelope.key,
    time: '2026-01-02T03:04:05.678Z',
    data: { key: envelope.key },
    extensions: { tenant: envelope.tenant },
  }
}
