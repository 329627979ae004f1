import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fingerprint } from '../brands.ts'
import type { RecordedEnvelope } from './events.ts'
import { decide, reusableAtMs, type KeyPolicy } from './decide.ts'
import { vacant, type Accepted, type Resolved } from './state.ts'

const [mine, other] = ['a'.repeat(64) as Fingerprint, 'b'.repeat(64) as Fingerprint]
const policy: KeyPolicy = { expired: 'execute', supersedes: false, clockSkewMs: 100 }

const accepted: Accepted = {
  kind: 'accepted',
  generation: 3,
  revision: 7n,
  fingerprint: mine,
  attemptId: 'attempt-3',
  envelope: {} as RecordedEnvelope,
  acceptedAtMs: 1_000,
  recordedAtMs: 1_000,
  failedAttempts: 0,
  nextAttemptAtMs: 0,
  steps: [],
}
/** Completed at 1,000 by the handler's clock and recorded at 1,050 by the store's; kept for 500: until 1,550 and 100. */
const resolved: Resolved = {
  kind: 'resolved',
  generation: 3,
  revision: 7n,
  fingerprint: mine,
  attemptId: 'attempt-3',
  position: 70n,
  recordedAtMs: 1_050,
  outcome: {
    kind: 'succeeded',
    response: { status: 201, headers: {}, body: '' },
    completedAtMs: 1_000,
    expiresAtMs: 1_500,
    attempts: 1,
  },
}
const next = { kind: 'execute', generation: 4, expectedRevision: 7n } as const
const at = (nowMs: number, fingerprint = mine): { fingerprint: string; nowMs: number } => ({ fingerprint, nowMs })

describe('what an attempt meets', () => {
  test('a key that was never used: the first generation, on no stream', () => {
    for (const expired of ['execute', 'gone'] as const) {
      expect(decide(vacant, at(0), { ...policy, expired })).toEqual({
        kind: 'execute',
        generation: 1,
        expectedRevision: 'no_stream',
      })
    }
  })

  test('an open generation of the same request: it goes on, however old it is', () => {
    for (const nowMs of [0, 1_000, 1e15]) {
      expect(decide(accepted, at(nowMs), policy)).toEqual({ kind: 'continue', state: accepted })
    }
  })

  test('an open generation of another request: the key is in use, however old it is', () => {
    for (const nowMs of [0, 1_000, 1e15]) expect(decide(accepted, at(nowMs, other), policy).kind).toBe('reused')
  })

  test('an open generation that a superseding request meets: it ends first', () => {
    const superseding = { ...policy, supersedes: true }
    expect(decide(accepted, at(0, other), superseding)).toEqual({ kind: 'continue', state: accepted })
  })

  test.each([
    { case: 'at once', nowMs: 1_000, same: 'replay', different: 'reused' },
    {
      case: "past the handler's own expiry, and not past the store's",
      nowMs: 1_549,
      same: 'replay',
      different: 'reused',
    },
    { case: 'within the margin', nowMs: 1_649, same: 'replay', different: 'reused' },
    { case: 'at the margin', nowMs: 1_650, same: 'execute', different: 'execute' },
    { case: 'by a clock that is far behind', nowMs: 0, same: 'replay', different: 'reused' },
  ])('a resolved generation $case', ({ nowMs, same, different }) => {
    expect(decide(resolved, at(nowMs), policy).kind).toBe(same)
    expect(decide(resolved, at(nowMs, other), policy).kind).toBe(different)
  })

  test('a replay tells what was recorded, the next generation where it goes', () => {
    expect(decide(resolved, at(1_000), policy)).toEqual({ kind: 'replay', state: resolved })
    expect(decide(resolved, at(1_650), policy)).toEqual(next)
    expect(decide(resolved, at(1_650, other), policy)).toEqual(next)
  })

  test('gone: an expired key never executes again, and keeps its one meaning', () => {
    const gone = { ...policy, expired: 'gone' } as const
    expect(decide(resolved, at(1_649), gone).kind).toBe('replay')
    expect(decide(resolved, at(1_650), gone).kind).toBe('expired')
    for (const nowMs of [1_000, 1_650, 1e15]) expect(decide(resolved, at(nowMs, other), gone).kind).toBe('reused')
  })

  test('supersedes: another body is the next generation at once, the same body replays', () => {
    const superseding = { ...policy, supersedes: true }
    expect(decide(resolved, at(1_000, other), superseding)).toEqual(next)
    expect(decide(resolved, at(1_000), superseding).kind).toBe('replay')
    expect(decide(resolved, at(1_650), superseding)).toEqual(next)
    expect(decide(resolved, at(1_650), { ...superseding, expired: 'gone' }).kind).toBe('expired')
    expect(decide(resolved, at(1_650, other), { ...superseding, expired: 'gone' })).toEqual(next)
  })

  test('every kind of outcome is replayed: success, refusal and failure', () => {
    for (const kind of ['succeeded', 'rejected', 'failed'] as const) {
      const state = { ...resolved, outcome: { ...resolved.outcome, kind } }
      expect(decide(state, at(1_000), policy)).toEqual({ kind: 'replay', state })
    }
  })
})

describe('never reusable early', () => {
  test('the later of both clocks counts', () => {
    expect(reusableAtMs(resolved, 100)).toBe(1_650)
    expect(reusableAtMs({ ...resolved, recordedAtMs: 900 }, 100)).toBe(1_600)
    expect(reusableAtMs({ ...resolved, recordedAtMs: 9_000 }, 0)).toBe(9_500)
  })

  test('property: whatever three clocks say within the margin, the retention has passed in truth', () => {
    const skewMs = fc.integer({ min: 0, max: 5_000 })
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(
        fc.record({ skewMs, retentionMs: fc.nat(100_000), decidedMs: fc.nat(1_000_000), appendMs: fc.nat(2_000) }),
        fc.tuple(part, part, part),
        fc.nat(200_000),
        ({ skewMs: margin, retentionMs, decidedMs, appendMs }, [deciderPart, storePart, laterPart], waitedMs) => {
          // No two of them are further apart than the margin.
          const [decider, store, later] = [deciderPart * margin, storePart * margin, laterPart * margin]
          const completedAtMs = decidedMs + decider
          const state: Resolved = {
            ...resolved,
            recordedAtMs: decidedMs + appendMs + store,
            outcome: { ...resolved.outcome, completedAtMs, expiresAtMs: completedAtMs + retentionMs },
          }
          const trueNowMs = decidedMs + appendMs + waitedMs
          const decision = decide(state, at(trueNowMs + later, other), { ...policy, clockSkewMs: margin })
          if (decision.kind === 'execute') expect(trueNowMs - decidedMs).toBeGreaterThanOrEqual(retentionMs - 1e-6)
          // And not much too late either: the margin, the clocks' difference and the append are all that it costs.
          else expect(trueNowMs - decidedMs).toBeLessThan(retentionMs + 2 * margin + appendMs + 1)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
