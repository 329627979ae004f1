import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CommandId, Fingerprint, IdempotencyKey, Tenant } from '../brands.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { createContext } from './context.ts'
import { isRefusal } from './refusal.ts'

const envelope: CommandEnvelope = {
  v: 1,
  command: 'order.place',
  tenant: 'acme' as Tenant,
  key: 'k' as IdempotencyKey,
  fingerprint: 'f'.repeat(64) as Fingerprint,
  attemptId: '018bcfe5-6800-7000-8000-00000000002a',
  requestId: 'r-1',
  receivedAtMs: 1_700_000_000_000,
  seed: 42,
  input: {},
}
const commandId = 'c'.repeat(64) as CommandId
const none = (): never => {
  throw new Error('no steps were asked for')
}
const context = (seed = 42): ReturnType<typeof createContext> =>
  createContext({ envelope: { ...envelope, seed }, commandId, signal: () => new AbortController().signal, steps: none })
const draw = (seed: number, count: number): number[] => {
  const ctx = context(seed)
  return Array.from({ length: count }, () => ctx.random())
}

describe('the context of a try', () => {
  test('tells what stands in the envelope', () => {
    const ctx = context()
    expect([ctx.id, ctx.commandId, ctx.tenant, ctx.key]).toEqual([envelope.attemptId, commandId, 'acme', 'k'])
    expect(ctx.now().toISOString()).toBe('2023-11-14T22:13:20.000Z')
  })

  test('the time is the same at each call, and nobody can change it', () => {
    const ctx = context()
    ctx.now().setTime(0)
    expect(ctx.now().getTime()).toBe(1_700_000_000_000)
  })

  test('the random numbers of a seed are recorded with it: these never change', () => {
    expect(draw(42, 3).map((number) => Math.round(number * 2 ** 32))).toEqual([
      2_581_720_956, 1_925_393_290, 3_661_312_704,
    ])
  })

  test('property: 0 ≤ n < 1, another seed another sequence, no short cycle', () => {
    const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(seed, seed, (one, other) => {
        const numbers = draw(one, 50)
        for (const number of numbers) expect(number >= 0 && number < 1).toBe(true)
        expect(new Set(numbers).size).toBeGreaterThan(48)
        if (one !== other) expect(draw(other, 50)).not.toEqual(numbers)
      }),
    )
  })

  test('are spread evenly enough to decide by', () => {
    const numbers = draw(7, 20_000)
    const tenths = Array.from({ length: 10 }, (_, n) => numbers.filter((each) => Math.floor(each * 10) === n).length)
    for (const count of tenths) expect(Math.abs(count - 2_000)).toBeLessThan(250)
  })

  test('asks for a signal only when the command looks at it', () => {
    let asked = 0
    const signal = (): AbortSignal => {
      asked++
      return AbortSignal.abort()
    }
    const ctx = createContext({ envelope, commandId, signal, steps: none })
    expect(asked).toBe(0)
    expect(ctx.signal.aborted).toBe(true)
    expect(asked).toBe(1)
  })

  test('makes refusals that are told from events', () => {
    const refusal = context().refuse('out-of-stock', 'None left.', { left: 0 })
    expect(refusal).toMatchObject({ code: 'out-of-stock', detail: 'None left.', members: { left: 0 } })
    expect(isRefusal(refusal)).toBe(true)
    expect(isRefusal({ code: 'out-of-stock', detail: '', members: {} })).toBe(false)
    expect(isRefusal(JSON.parse(JSON.stringify(refusal)) as object)).toBe(false)
  })
})
