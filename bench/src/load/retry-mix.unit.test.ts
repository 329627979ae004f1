import { expect, test } from 'vitest'
import { retryMix } from './retry-mix.ts'

function take(count: number, seed: number): readonly string[] {
  const next = retryMix({ prefix: 'k', untilMs: Number.POSITIVE_INFINITY, seed })
  return Array.from({ length: count }, () => next() ?? '')
}

test('a request is sent 1 to 10 times, mixed with others', () => {
  const keys = take(20_000, 1)
  const times = new Map<string, number>()
  for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1)
  // The last 200 are still open.
  const done = [...times].filter(([key]) => Number(key.slice(2)) < times.size - 1_000).map(([, count]) => count)
  expect(Math.max(...done)).toBe(10)
  expect(Math.min(...done)).toBe(1)
  expect(keys.slice(0, 10)).not.toEqual(keys.slice(0, 10).sort())
})

test('the same seed gives the same order, and another one another', () => {
  expect(take(100, 3)).toEqual(take(100, 3))
  expect(take(100, 3)).not.toEqual(take(100, 4))
})

test('it ends when the time is over', () => {
  expect(retryMix({ prefix: 'k', untilMs: 0, seed: 1 })()).toBeUndefined()
})
