import { describe, expect, test } from 'vitest'
import { systemClock, systemIds } from './system.ts'

describe('system ids', () => {
  test('uuid is a random UUID, version 4', () => {
    const ids = Array.from({ length: 1_000 }, () => systemIds.uuid())
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(ids).size).toBe(1_000)
  })

  test('attemptId is a UUID, version 7: its time is the first 48 bits (RFC 9562, section 5.7)', () => {
    const nowMs = Date.UTC(2025, 0, 2, 3, 4, 5, 678)
    // More than one filling of the pool that the random bits come from.
    const ids = Array.from({ length: 2_000 }, () => systemIds.attemptId(nowMs))
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(nowMs)
    }
    expect(new Set(ids).size).toBe(2_000)
    expect(new Set(ids.map((id) => id.slice(-8))).size).toBeGreaterThan(1_990)
  })

  test('attemptId sorts by time', () => {
    const moments = [1_000_000_000_000, 1_600_000_000_000, 1_700_000_000_000, 1_700_000_000_001]
    const ids = moments.map((moment) => systemIds.attemptId(moment))
    expect(ids.toSorted()).toEqual(ids)
  })
})

describe('system clock', () => {
  test('tells the time in milliseconds', () => {
    const before = Date.now()
    const now = systemClock.nowMs()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThanOrEqual(Date.now())
  })

  test('sleep ends at its time', async () => {
    await systemClock.sleep(1)
  })

  test('sleep ends at once when the signal fires, or has fired before', async () => {
    const stop = new AbortController()
    const asleep = systemClock.sleep(2_000_000_000, stop.signal)
    stop.abort()
    await asleep
    await systemClock.sleep(2_000_000_000, stop.signal)
  })

  test('schedule calls back, unless it is cancelled', async () => {
    const calls: string[] = []
    const cancel = systemClock.schedule(1, () => calls.push('cancelled'))
    cancel()
    await new Promise<void>((resolve) => {
      systemClock.schedule(2, () => {
        calls.push('called')
        resolve()
      })
    })
    expect(calls).toEqual(['called'])
  })
})
