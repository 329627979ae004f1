import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pause, pauseMs, retryAfterMsOf } from './backoff.ts'

const policy = { initialDelayMs: 200, maxDelayMs: 10_000 }

describe('pauses', () => {
  test('full jitter: from nothing to a bound that doubles, and stops at the largest', () => {
    const bound = (retries: number): number => pauseMs(policy, { retries, random: () => 1 })
    expect([0, 1, 2, 3].map(bound)).toEqual([200, 400, 800, 1_600])
    expect(bound(2_000)).toBe(10_000)
    expect(pauseMs(policy, { retries: 5, random: () => 0 })).toBe(0)
  })

  test('never shorter than what the server asked for, and spread behind it', () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.nat(100_000), (retries, retryAfterMs) => {
        const delay = pauseMs(policy, { retries, retryAfterMs })
        expect(delay).toBeGreaterThanOrEqual(retryAfterMs)
        expect(delay).toBeLessThanOrEqual(retryAfterMs + policy.maxDelayMs)
      }),
    )
    const delays = Array.from({ length: 100 }, () => pauseMs(policy, { retries: 3, retryAfterMs: 1_000 }))
    expect(new Set(delays).size).toBeGreaterThan(90)
  })

  test('an aborted one rejects with the reason, at once', async () => {
    const controller = new AbortController()
    const paused = pause(2 ** 31 - 1, controller.signal)
    controller.abort(new Error('enough'))
    await expect(paused).rejects.toThrow('enough')
    await expect(pause(2 ** 31 - 1, controller.signal)).rejects.toThrow('enough')
  })
})

describe('Retry-After', () => {
  const nowMs = Date.parse('2026-11-24T08:00:00Z')
  const read = (headers: Record<string, string>): number | undefined => retryAfterMsOf(new Headers(headers), nowMs)

  test.each([
    ['0', 0],
    ['1', 1_000],
    [' 120 ', 120_000],
    ['Tue, 24 Nov 2026 08:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 07:00:00 GMT', 0],
    ['soon', undefined],
    ['-1', undefined],
    ['1.5', undefined],
  ])('%s', (value, expected) => {
    expect(read({ 'retry-after': value })).toBe(expected)
  })

  test('a date counts from the date of the answer, whatever the clock of the caller says', () => {
    const headers = { 'retry-after': 'Mon, 01 Jan 2029 00:00:05 GMT', date: 'Mon, 01 Jan 2029 00:00:00 GMT' }
    expect(read(headers)).toBe(5_000)
  })

  test('none', () => {
    expect(read({})).toBeUndefined()
  })
})
