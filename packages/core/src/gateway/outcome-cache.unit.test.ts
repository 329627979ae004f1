import { describe, expect, test } from 'vitest'
import type { CommandId, Fingerprint } from '../brands.ts'
import { OutcomeCache, type RecordedOutcome } from './outcome-cache.ts'

const id = (n: number): CommandId => `command-${n}` as CommandId
const print = 'f' as Fingerprint
const outcome = (generation = 1, body = ''): RecordedOutcome => ({
  kind: 'outcome',
  outcome: 'succeeded',
  response: { status: 201, headers: {}, body },
  generation,
  attemptId: 'a',
  completedAtMs: 0,
  expiresAtMs: 1,
  position: '8',
})

describe('the outcome cache', () => {
  test('gives what was set, until it is deleted', () => {
    const cache = new OutcomeCache(100_000)
    cache.set(id(1), print, outcome())
    expect(cache.get(id(1))).toEqual({ fingerprint: print, outcome: outcome() })
    cache.delete(id(1))
    expect(cache.get(id(1))).toBeUndefined()
  })

  test('an older generation does not take the place of a newer one', () => {
    const cache = new OutcomeCache(100_000)
    cache.set(id(1), print, outcome(2))
    cache.set(id(1), print, outcome(1))
    expect(cache.get(id(1))?.outcome.generation).toBe(2)
    cache.set(id(1), print, outcome(3))
    expect(cache.get(id(1))?.outcome.generation).toBe(3)
  })

  test('stays within its memory: the youngest are kept, the oldest forgotten', () => {
    const cache = new OutcomeCache(70_000)
    for (let n = 0; n < 1_000; n++) cache.set(id(n), print, outcome())
    const kept = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => cache.get(id(n)) !== undefined)
    expect(kept.length).toBeGreaterThan(40)
    expect(kept.length).toBeLessThanOrEqual(101)
    expect(kept.at(-1)).toBe(999)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, n) => 1_000 - kept.length + n))
  })

  test('a response that is large for it is not kept, and takes an older one along', () => {
    const cache = new OutcomeCache(70_000)
    cache.set(id(1), print, outcome())
    cache.set(id(1), print, outcome(2, 'x'.repeat(20_000)))
    expect(cache.get(id(1))).toBeUndefined()
  })

  test('without memory it keeps nothing', () => {
    const cache = new OutcomeCache(0)
    cache.set(id(1), print, outcome())
    expect(cache.get(id(1))).toBeUndefined()
  })
})
