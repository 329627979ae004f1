import { describe, expect, test } from 'vitest'
import { createManualClock, createTestIds } from './index.ts'

describe('the manual clock', () => {
  test('stands still until it is moved', async () => {
    const clock = createManualClock(1_000)
    await clock.settle()
    expect(clock.nowMs()).toBe(1_000)
    await clock.advance(250)
    expect(clock.nowMs()).toBe(1_250)
  })

  test('calls what falls due at its own moment, in order, and of one moment in the order of scheduling', async () => {
    const clock = createManualClock(0)
    const calls: string[] = []
    const note = (name: string) => (): void => {
      calls.push(`${name}@${clock.nowMs()}`)
    }
    clock.schedule(30, note('c'))
    clock.schedule(10, note('a'))
    clock.schedule(10, note('b'))
    clock.schedule(31, note('later'))
    await clock.advance(30)
    expect(calls).toEqual(['a@10', 'b@10', 'c@30'])
    expect(clock.pending).toBe(1)
  })

  test('what a callback schedules is called in the same advance if it falls due in it', async () => {
    const clock = createManualClock(0)
    const moments: number[] = []
    const again = (): void => {
      moments.push(clock.nowMs())
      clock.schedule(10, again)
    }
    clock.schedule(10, again)
    await clock.advance(35)
    expect(moments).toEqual([10, 20, 30])
    expect(clock.nowMs()).toBe(35)
  })

  test('lets promises settle between two timers, however long the chain', async () => {
    const clock = createManualClock(0)
    const calls: string[] = []
    clock.schedule(1, () => {
      void (async () => {
        for (let n = 0; n < 100; n++) await Promise.resolve()
        calls.push('chain')
      })()
    })
    clock.schedule(1, () => {
      calls.push('second')
    })
    await clock.advance(1)
    expect(calls).toEqual(['chain', 'second'])
  })

  test('a cancelled timer is not called', async () => {
    const clock = createManualClock(0)
    const cancel = clock.schedule(5, () => {
      throw new Error('it was cancelled')
    })
    cancel()
    await clock.advance(10)
    expect(clock.pending).toBe(0)
  })

  test('sleep ends at its time, or when the signal fires; it never rejects', async () => {
    const clock = createManualClock(0)
    const ended: string[] = []
    const stop = new AbortController()
    void clock.sleep(10).then(() => ended.push('slept'))
    void clock.sleep(10, stop.signal).then(() => ended.push('woken'))
    void clock.sleep(10, AbortSignal.abort()).then(() => ended.push('at once'))
    await clock.settle()
    expect(ended).toEqual(['at once'])
    stop.abort()
    await clock.settle()
    expect(ended).toEqual(['at once', 'woken'])
    expect(clock.pending).toBe(1)
    await clock.advance(10)
    expect(ended).toEqual(['at once', 'woken', 'slept'])
  })

  test('runUntilIdle goes from timer to timer, as far as the bound', async () => {
    const clock = createManualClock(0)
    let left = 3
    const again = (): void => {
      if (--left > 0) clock.schedule(1_000, again)
    }
    clock.schedule(1_000, again)
    expect(await clock.runUntilIdle()).toBe(3_000)
    clock.schedule(10_000, again)
    expect(await clock.runUntilIdle(9_999)).toBe(0)
    expect(clock.pending).toBe(1)
  })

  test('a skewed view has the same timers and another time', async () => {
    const clock = createManualClock(1_000)
    const ahead = clock.skewed(400)
    let called = 0
    ahead.schedule(10, () => called++)
    expect(ahead.nowMs()).toBe(1_400)
    await clock.advance(10)
    expect([called, ahead.nowMs(), clock.nowMs()]).toEqual([1, 1_410, 1_010])
  })
})

describe('test ids', () => {
  test('are UUIDs of their version, all different, the same in every run', () => {
    const draw = (): string[] => {
      const ids = createTestIds()
      return [ids.uuid(), ids.attemptId(1_700_000_000_000), ids.uuid(), ids.attemptId(1_700_000_000_000)]
    }
    const [uuid, attempt, ...more] = draw()
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(attempt).toMatch(/^018bcfe5-6800-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set([uuid, attempt, ...more]).size).toBe(4)
    expect(draw()).toEqual([uuid, attempt, ...more])
  })
})
