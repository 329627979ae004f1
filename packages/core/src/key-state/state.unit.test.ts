import { describe, expect, test } from 'vitest'
import type { Fingerprint, IdempotencyKey, Tenant } from '../brands.ts'
import type { JsonObject } from '../json.ts'
import { EventStoreError, type RecordedEvent } from '../ports/event-store.ts'
import type { KeyEventMetadata, OutcomeRecord, RecordedEnvelope } from './events.ts'
import { evolve, keyMetadata, vacant, type KeyState } from './state.ts'

const envelope: RecordedEnvelope = {
  command: 'order.place',
  tenant: 'acme' as Tenant,
  key: 'k' as IdempotencyKey,
  requestId: 'r-1',
  receivedAtMs: 1_000,
  seed: 1,
  input: { quantity: 2 },
}
const outcome: OutcomeRecord = {
  kind: 'succeeded',
  response: { status: 201, headers: {}, body: '{}' },
  completedAtMs: 1_500,
  expiresAtMs: 2_500,
  attempts: 1,
}
const fingerprint = 'f'.repeat(64) as Fingerprint

const at = (revision: bigint, type: string, parts: Partial<KeyEventMetadata> = {}): RecordedEvent => ({
  id: `event-${revision}`,
  stream: 'command-x',
  revision,
  position: revision * 8n,
  recordedAtMs: 1_000 + Number(revision) * 10,
  type,
  data: {},
  metadata: { v: 1, generation: 1, fingerprint, attemptId: 'attempt-1', ...parts } as unknown as JsonObject,
})
const fold = (...events: RecordedEvent[]): KeyState => events.reduce<KeyState>(evolve, vacant)
const failedAt = (revision: bigint, attempt: number, nextMs: number): RecordedEvent => ({
  ...at(revision, 'AttemptFailed'),
  data: { attempt, error: 'x', next_attempt_at_ms: nextMs },
})

const accepted = {
  generation: 1,
  fingerprint,
  attemptId: 'attempt-1',
  kind: 'accepted',
  envelope,
  acceptedAtMs: 1_000,
  steps: [],
}
const resolved = {
  generation: 1,
  fingerprint,
  attemptId: 'attempt-1',
  kind: 'resolved',
  outcome,
  position: expect.any(BigInt) as bigint,
}

describe('evolve', () => {
  test('accepted', () => {
    expect(fold(at(0n, 'CommandAccepted', { envelope }))).toEqual({
      ...accepted,
      revision: 0n,
      recordedAtMs: 1_000,
      failedAttempts: 0,
      nextAttemptAtMs: 0,
      steps: [],
    })
  })

  test('a failed try counts, and says when the next one is due; the last one holds', () => {
    const first = at(0n, 'CommandAccepted', { envelope })
    const one = fold(first, failedAt(1n, 1, 1_200))
    expect(one).toEqual({ ...accepted, revision: 1n, recordedAtMs: 1_010, failedAttempts: 1, nextAttemptAtMs: 1_200 })
    const two = evolve(one, failedAt(2n, 2, 1_900))
    expect(two).toEqual({ ...accepted, revision: 2n, recordedAtMs: 1_020, failedAttempts: 2, nextAttemptAtMs: 1_900 })
  })

  test('any other event of an open generation moves the revision and keeps the count', () => {
    const state = fold(at(0n, 'CommandAccepted', { envelope }), failedAt(1n, 1, 1_200), at(2n, 'Anything'))
    expect(state).toEqual({ ...accepted, revision: 2n, recordedAtMs: 1_020, failedAttempts: 1, nextAttemptAtMs: 1_200 })
  })

  test('a pure command: one event that carries all', () => {
    expect(fold(at(0n, 'OrderPlaced', { envelope, outcome }))).toEqual({
      ...resolved,
      revision: 0n,
      recordedAtMs: 1_000,
      envelope,
      acceptedAtMs: 1_000,
    })
  })

  test('several domain events in one append: open until the last', () => {
    const first = at(0n, 'OrderPlaced', { envelope })
    expect(fold(first).kind).toBe('accepted')
    expect(fold(first, at(1n, 'StockReserved', { outcome }))).toEqual({
      ...resolved,
      revision: 1n,
      recordedAtMs: 1_010,
      envelope,
      acceptedAtMs: 1_000,
    })
  })

  test('accepted, tried, resolved: acceptance and outcome have their own times', () => {
    const state = fold(
      at(0n, 'CommandAccepted', { envelope }),
      failedAt(1n, 1, 1_200),
      at(2n, 'CommandFailed', { outcome }),
    )
    expect(state).toEqual({ ...resolved, revision: 2n, recordedAtMs: 1_020, envelope, acceptedAtMs: 1_000 })
  })

  test('the last event alone tells the outcome', () => {
    expect(evolve(vacant, at(7n, 'OrderPlaced', { outcome }))).toEqual({
      ...resolved,
      revision: 7n,
      recordedAtMs: 1_070,
    })
  })

  test('the next generation starts anew: nothing of the one before is carried over', () => {
    const first = fold(
      at(0n, 'CommandAccepted', { envelope }),
      failedAt(1n, 1, 9_000),
      at(2n, 'OrderPlaced', { outcome }),
    )
    const later = { ...envelope, requestId: 'r-2' }
    const second = { generation: 2, attemptId: 'attempt-2', fingerprint: 'e'.repeat(64) as Fingerprint }
    expect(evolve(first, at(3n, 'CommandAccepted', { ...second, envelope: later }))).toEqual({
      kind: 'accepted',
      recordedAtMs: 1_030,
      ...second,
      revision: 3n,
      envelope: later,
      acceptedAtMs: 1_030,
      failedAttempts: 0,
      nextAttemptAtMs: 0,
      steps: [],
    })
    expect(evolve(first, at(3n, 'OrderPlaced', { ...second, outcome }))).not.toHaveProperty('envelope')
  })

  test.each([
    ['without metadata', {}],
    ['of a newer version', { v: 2, generation: 1, fingerprint }],
    ['without a generation', { v: 1, fingerprint }],
    ['without a fingerprint', { v: 1, generation: 1 }],
  ])('an event %s is corrupt, and is named', (_case, metadata) => {
    const event = { ...at(4n, 'Alien'), metadata: metadata as JsonObject }
    for (const work of [() => keyMetadata(event), () => evolve(vacant, event)]) {
      expect(work).toThrow(EventStoreError)
      expect(work).toThrow(/event 4 of command-x/)
    }
  })

  test('a generation that does not begin with its envelope is corrupt', () => {
    expect(() => fold(at(0n, 'CommandAccepted'))).toThrow(/generation 1 of command-x/)
    const before = fold(at(0n, 'CommandAccepted', { envelope }))
    expect(() => evolve(before, at(1n, 'AttemptFailed', { generation: 2 }))).toThrow(EventStoreError)
  })
})
