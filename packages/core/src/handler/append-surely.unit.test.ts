import { createManualClock } from '@holdfast/testing/clock'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import type { NewEvent } from '../ports/event-store.ts'
import { appendSurely } from './append-surely.ts'
import { jittered } from './backoff.ts'

const events: readonly NewEvent[] = [
  { id: 'a', type: 'One', data: {}, metadata: {} },
  { id: 'b', type: 'Two', data: {}, metadata: {} },
]
const append = { stream: 's', events, expectedRevision: 'no_stream' } as const

describe('appending surely', () => {
  test.each([0, 1, 5])('an outcome that is unknown %d times is settled, and written once', async (times) => {
    for (const fault of ['unknown-written', 'unknown-not-written'] as const) {
      const [store, clock] = [createMemoryEventStore(), createManualClock(0)]
      for (let time = 0; time < times; time++) store.faults.failNextAppend(fault)
      const result = appendSurely({ store, clock }, append)
      await clock.runUntilIdle()
      expect(await result).toMatchObject({ kind: 'appended', revision: 1n })
      expect(store.log.events('s').map(({ id }) => id)).toEqual(['a', 'b'])
    }
  })

  test('it is given up after six times, a few seconds at most', async () => {
    const [store, clock] = [createMemoryEventStore(), createManualClock(0)]
    for (let time = 0; time < 6; time++) store.faults.failNextAppend('unknown-not-written')
    const fate = expect(appendSurely({ store, clock }, append)).rejects.toMatchObject({ code: 'unknown-outcome' })
    const tookMs = await clock.runUntilIdle()
    await fate
    expect(tookMs).toBeGreaterThanOrEqual(5)
    expect(tookMs).toBeLessThanOrEqual(50 * (2 + 4 + 8 + 16 + 32) + 10)
    expect(store.log.events()).toEqual([])
  })

  test('what is known is passed on at once: a conflict, unavailable, too large', async () => {
    const [store, clock] = [createMemoryEventStore({ maxEventBytes: 100 }), createManualClock(0)]
    expect(await appendSurely({ store, clock }, { ...append, expectedRevision: 4n })).toEqual({
      kind: 'conflict',
      actual: 'no_stream',
    })
    store.faults.failNextAppend('unavailable')
    await expect(appendSurely({ store, clock }, append)).rejects.toMatchObject({ code: 'unavailable' })
    const large = [{ id: 'c', type: 'Large', data: { filler: 'x'.repeat(200) }, metadata: {} }]
    await expect(appendSurely({ store, clock }, { ...append, events: large })).rejects.toMatchObject({
      code: 'event-too-large',
    })
    expect(clock.pending).toBe(0)
  })
})

describe('full jitter', () => {
  test.each([
    [0, 0, 1],
    [100, 0, 1],
    [100, 0.5, 51],
    [100, 0.999_999, 101],
  ])('of a bound of %d ms at %d is %d ms: never at once', (boundMs, random, ms) => {
    expect(jittered(boundMs, () => random)).toBe(ms)
  })
})
