import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { createMemoryReadStore } from '@holdfast/testing/memory-read-store'
import { createManualClock } from '@holdfast/testing/clock'
import { defineProjection } from '@holdfast/core'
import { expect, test } from 'vitest'
import { projectionLagMs } from './lag.ts'

const projection = defineProjection<{ n: number }>({
  name: 'counted',
  initial: { n: 0 },
  scope: 'shared',
  on: { Counted: ({ n }) => ({ n: n + 1 }) },
})

test('the lag is the age of the oldest event that is not folded, of the projection’s types alone', async () => {
  const clock = createManualClock(1_000_000)
  const events = createMemoryEventStore({ nowMs: () => clock.nowMs() })
  const store = createMemoryReadStore({ nowMs: () => clock.nowMs() })
  const { signal } = new AbortController()
  const lag = () => projectionLagMs(projection, { events, store, clock, signal })
  const append = async (type: string): Promise<bigint> => {
    const event = { id: crypto.randomUUID(), type, data: {}, metadata: {} }
    const result = await events.append(`stream-${event.id}`, [event], 'no_stream')
    return result.kind === 'appended' ? result.position : 0n
  }
  expect(await lag()).toBeUndefined()
  const claimed = await store.claim({ name: 'counted', version: 1, owner: 'one', leaseMs: 60_000 })
  if (claimed.kind !== 'claimed') throw new Error('not claimed')
  expect(await lag()).toBe(0)
  const first = await append('Counted')
  await append('SomethingElse')
  await clock.advance(3_000)
  await append('Counted')
  await clock.advance(500)
  expect(await lag()).toBe(3_500)
  const commit = { changes: [], recordedUntilMs: 0, snapshot: false, caughtUp: false }
  await store.commit(claimed.claim, { ...commit, position: first })
  expect(await lag()).toBe(500)
  const last = await append('Counted')
  await store.commit(claimed.claim, { ...commit, position: last })
  expect(await lag()).toBe(0)
})

test('a measurement that is ended rejects', async () => {
  const clock = createManualClock(1_000_000)
  const events = createMemoryEventStore({ nowMs: () => clock.nowMs() })
  const store = createMemoryReadStore()
  await store.claim({ name: 'counted', version: 1, owner: 'one', leaseMs: 60_000 })
  const signal = AbortSignal.abort(new Error('too long'))
  await expect(projectionLagMs(projection, { events, store, clock, signal })).rejects.toThrow('too long')
})
