import { createManualClock } from '@holdfast/testing/clock'
import { describe, expect, test } from 'vitest'
import { LazyAbort } from '../lazy-abort.ts'
import { runBounded } from './run-bounded.ts'

const setUp = (retry: { attempts?: number; timeoutMs?: number; initialDelayMs?: number } = {}) => {
  const clock = createManualClock(0)
  const aborts = [new LazyAbort(), new LazyAbort()] as const
  const bounds = {
    keyOf: () => 'the-key',
    clock,
    aborts,
    retry: { attempts: 3, initialDelayMs: 100, maxDelayMs: 1_000, timeoutMs: 500, ...retry },
  }
  return { clock, aborts, bounds }
}

describe('a bounded run', () => {
  test('tells its result, and leaves no timer behind', async () => {
    const { clock, bounds } = setUp()
    expect(await runBounded(({ key, attempt }) => `${key} ${attempt}`, bounds)).toBe('the-key 1')
    expect(clock.pending).toBe(0)
  })

  test('a function that throws at once is a run that failed', async () => {
    const { clock, bounds } = setUp({ attempts: 1 })
    const thrower = (): never => {
      throw new Error('at once')
    }
    await expect(runBounded(thrower, bounds)).rejects.toThrow('at once')
    expect(clock.pending).toBe(0)
  })

  test('fails with its last error, after as many runs as it may have', async () => {
    const { clock, bounds } = setUp()
    let runs = 0
    const outcome = runBounded(() => Promise.reject(new Error(`run ${++runs}`)), bounds)
    outcome.catch(() => undefined)
    await clock.runUntilIdle()
    await expect(outcome).rejects.toThrow('run 3')
    expect(clock.pending).toBe(0)
  })

  test('a run that takes too long counts as failed, its signal says why', async () => {
    const { clock, bounds } = setUp({ attempts: 2 })
    const signals: AbortSignal[] = []
    const outcome = runBounded(({ signal }) => {
      signals.push(signal)
      return new Promise<never>(() => undefined)
    }, bounds)
    outcome.catch(() => undefined)
    await clock.advance(499)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    await clock.runUntilIdle()
    await expect(outcome).rejects.toThrow('longer than 500 ms')
    expect(signals.map(({ reason }) => String(reason))).toEqual(Array(2).fill('Error: it took longer than 500 ms'))
  })

  test('a signal that is asked for late has fired already', async () => {
    const { clock, bounds } = setUp({ attempts: 1 })
    let late: (() => AbortSignal) | undefined
    const outcome = runBounded((run) => {
      late = () => run.signal
      return new Promise<never>(() => undefined)
    }, bounds)
    outcome.catch(() => undefined)
    await clock.advance(500)
    expect(late?.().aborted).toBe(true)
  })

  test.each([0, 1] as const)('either abort fires the signal; no further run follows (%i)', async (which) => {
    const { clock, aborts, bounds } = setUp()
    let runs = 0
    const outcome = runBounded(({ signal }) => {
      runs++
      return new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }, bounds)
    outcome.catch(() => undefined)
    await clock.settle()
    aborts[which].abort()
    await clock.runUntilIdle()
    await expect(outcome).rejects.toThrow('aborted')
    expect(runs).toBe(1)
  })

  test.each([0, 1] as const)('an abort ends the pause between two runs (%i)', async (which) => {
    const { clock, aborts, bounds } = setUp({ initialDelayMs: 60_000 })
    let runs = 0
    const outcome = runBounded(() => Promise.reject(new Error(`run ${++runs}`)), bounds)
    outcome.catch(() => undefined)
    await clock.settle()
    aborts[which].abort()
    await expect(outcome).rejects.toThrow('run 1')
    expect({ runs, pending: clock.pending, nowMs: clock.nowMs() }).toEqual({ runs: 1, pending: 0, nowMs: 0 })
  })
})
