import { describe, expect, test } from 'vitest'
import { withThrowOnAppendFailure } from './connection-string.ts'
import { createKnownRevisions } from './known-revisions.ts'
import type { EventStoreDbOptions } from './options.ts'
import { resolveOptions } from './options.ts'
import { createSentLog } from './sent-log.ts'
import { backOffMs, pause, timedOut, withinMs } from './waiting.ts'

const connectionString = 'esdb://localhost:2113?tls=false'

describe('the options', () => {
  test('leave room for an event in an append of 1 MiB', () => {
    const { maxEventBytes, maxAppendBytes } = resolveOptions({ connectionString })
    expect(maxEventBytes).toBe(1024 * 1024 - 1024)
    expect(maxAppendBytes).toBe(1024 * 1024)
    expect(resolveOptions({ connectionString, maxEventBytes: 5_000_000 }).maxAppendBytes).toBe(5_001_024)
  })

  test.each<{ readonly options: Partial<EventStoreDbOptions>; readonly says: string }>([
    { options: { appendTimeoutMs: 0 }, says: 'appendTimeoutMs is 0; allowed: a whole number from 1 on' },
    { options: { resolveTimeoutMs: -1 }, says: 'resolveTimeoutMs is -1' },
    { options: { maxSearchWindow: 1.5 }, says: 'maxSearchWindow is 1.5' },
    { options: { connectionString: 'http://localhost' }, says: 'esdb://' },
  ])('refuse $options', ({ options, says }) => {
    expect(() => resolveOptions({ connectionString, ...options })).toThrow(says)
  })
})

describe('the connection string', () => {
  test.each([
    { given: 'esdb://a:1,b:2?tls=false', made: 'esdb://a:1,b:2?tls=false&throwOnAppendFailure=true' },
    { given: 'esdb+discover://x', made: 'esdb+discover://x?throwOnAppendFailure=true' },
    {
      given: 'esdb://u:p@x?throw_on_append_failure=false&KeepAliveTimeout=500',
      made: 'esdb://u:p@x?KeepAliveTimeout=500&throwOnAppendFailure=true',
    },
  ])('$given', ({ given, made }) => {
    expect(withThrowOnAppendFailure(given)).toBe(made)
  })
})

describe('what conflicts have told', () => {
  test('is kept for the last ten thousand streams', () => {
    const known = createKnownRevisions()
    for (let n = 0; n < 10_001; n += 1) known.note(`s${n}`, BigInt(n))
    expect(known.of('s0')).toBeUndefined()
    expect(known.of('s1')).toBe(1n)
    known.note('s1', 9n)
    expect(known.of('s1')).toBe(9n)
    expect(known.of('other')).toBeUndefined()
  })
})

describe('the log of what was sent', () => {
  test('follows several appends with one id, and forgets', () => {
    const sent = createSentLog()
    const [one, other] = [sent.track('a'), sent.track('a')]
    expect(one.wasSent()).toBe(false)
    sent.mark('b')
    sent.mark('a')
    expect([one.wasSent(), other.wasSent()]).toEqual([true, true])
    one.release()
    other.release()
    expect(sent.track('a').wasSent()).toBe(false)
  })
})

describe('waiting', () => {
  test('the back-off doubles up to its bound, with some of it at random', () => {
    const bounds = { firstMs: 100, maxMs: 1_000 }
    for (const [failures, full] of [
      [0, 100],
      [1, 200],
      [3, 800],
      [4, 1_000],
      [5_000, 1_000],
    ] as const) {
      const pauses = Array.from({ length: 200 }, () => backOffMs(failures, bounds))
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(full / 2)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(full)
      expect(new Set(pauses).size).toBeGreaterThan(1)
    }
  })

  test('a pause ends with its signal', async () => {
    const stop = new AbortController()
    const paused = pause(60_000, stop.signal)
    stop.abort()
    await paused
    await pause(60_000, stop.signal)
  })

  test('work that is late is let go, and may fail later without being an unhandled rejection', async () => {
    let fail: (error: Error) => void = () => undefined
    const work = new Promise<string>((_, reject) => {
      fail = reject
    })
    expect(await withinMs(work, 1)).toBe(timedOut)
    fail(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(await withinMs(Promise.resolve('in time'), 60_000)).toBe('in time')
    await expect(withinMs(Promise.reject(new Error('in time')), 60_000)).rejects.toThrow('in time')
  })
})
