import { createWorld, eventsOf, run, testCommand, typesOf, type TestHandle } from '@holdfast/testing/command-process'
import type { TestCommandOptions, World } from '@holdfast/testing/command-process'
import type { AppendFault } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import type { StepOptions } from '../command/step.ts'
import { Indeterminate, StepFailed } from './step-errors.ts'

const worldOf = (handle: TestHandle, options: TestCommandOptions = {}): World =>
  createWorld({ commands: [testCommand(handle, options)] })
const made = { type: 'Made', data: {} }

describe('retries of a step', () => {
  test('within the try, with growing pauses; the attempt is told', async () => {
    const runs: { attempt: number; atMs: number }[] = []
    const retry = { attempts: 5, initialDelayMs: 100, maxDelayMs: 300 }
    const world = worldOf(async (_input, ctx) => {
      const atMs = world.clock.nowMs()
      await ctx.step(
        'flaky',
        ({ attempt }) => {
          runs.push({ attempt, atMs: world.clock.nowMs() - atMs })
          if (attempt < 5) throw new Error('down')
        },
        { retry },
      )
      return made
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'succeeded' })
    expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5])
    const pauses = runs.slice(1).map(({ atMs }, at) => atMs - (runs[at]?.atMs ?? 0))
    for (const [at, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThan(0)
      expect(pause).toBeLessThanOrEqual(Math.min(300, 100 * 2 ** at) + 1)
    }
    expect(process.observed.failures).toEqual([])
    expect(typesOf(process)).toEqual(['CommandAccepted', 'StepCompleted', 'Made'])
  })

  test('a run that takes too long is aborted and run again; what it comes to later is nothing', async () => {
    const signals: AbortSignal[] = []
    let aborted: boolean[] = []
    const late = Promise.withResolvers<string>()
    const world = worldOf(async (_input, ctx) => {
      const result = await ctx.step(
        'slow',
        (each) => {
          signals.push(each.signal)
          return each.attempt === 1 ? late.promise : 'second'
        },
        { retry: { timeoutMs: 200, initialDelayMs: 1 } },
      )
      aborted = signals.map((signal) => signal.aborted)
      late.resolve('first')
      await ctx.step('next', () => world.clock.sleep(10).then(() => undefined))
      return { type: 'Made', data: { result } }
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ response: { body: '{"result":"second"}' } })
    expect(aborted).toEqual([true, false])
    expect(String(signals[0]?.reason)).toContain('longer than 200 ms')
    expect(eventsOf(process)[1]?.data).toMatchObject({ result: 'second' })
  })

  test('the last one fails: the try fails and is recorded; the next one has the steps that were completed', async () => {
    const ran: string[] = []
    let failures = 4
    const world = worldOf(
      async (_input, ctx) => {
        await ctx.step('one', () => void ran.push('one'))
        await ctx.step(
          'two',
          ({ attempt }) => {
            ran.push(`two ${attempt}`)
            if (failures-- > 0) throw new Error('provider down')
          },
          { retry: { attempts: 2, initialDelayMs: 1 } },
        )
        return made
      },
      { retry: { initialDelayMs: 1, maxDelayMs: 1 } },
    )
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'succeeded' })
    expect(ran).toEqual(['one', 'two 1', 'two 2', 'two 1', 'two 2', 'two 1'])
    expect(typesOf(process)).toEqual([
      ...['CommandAccepted', 'StepCompleted', 'AttemptFailed', 'AttemptFailed', 'StepCompleted', 'Made'],
    ])
    expect(eventsOf(process)[2]?.data).toMatchObject({
      attempt: 1,
      error: 'StepFailed: the step "two" failed: Error: provider down',
    })
    expect(process.observed.failures[0]?.error).toBeInstanceOf(StepFailed)
    expect(eventsOf(process).at(-1)?.metadata).toMatchObject({ outcome: { attempts: 3 } })
  })

  test('what a step completed is recorded with the failed try, and counts for the next process', async () => {
    const ran: string[] = []
    let failures = 1
    const world = worldOf(
      async (_input, ctx) => {
        await ctx.step('one', () => void ran.push('one'))
        if (failures-- > 0) throw new Error('between two steps')
        return made
      },
      { retry: { initialDelayMs: 1_000 } },
    )
    const dead = world.start()
    void dead.dispatch()
    await world.clock.settle()
    expect(typesOf(dead)).toEqual(['CommandAccepted', 'StepCompleted', 'AttemptFailed'])
    dead.store.faults.crash()
    expect(await run(world)).toMatchObject({ outcome: 'succeeded' })
    expect(ran).toEqual(['one'])
  })
})

describe('at most once', () => {
  const atMostOnce: StepOptions<number> = { atMostOnce: true, retry: { attempts: 5 } }
  const setUp = (charge: () => Promise<number> | number, options: TestCommandOptions = {}) => {
    const log: string[] = []
    const world = worldOf(
      async (_input, ctx) => {
        await ctx.step('before', () => undefined, { undo: () => void log.push('undone') })
        const charged = await ctx.step(
          'charge',
          () => {
            log.push('charge')
            return charge()
          },
          atMostOnce,
        )
        return { type: 'Made', data: { charged } }
      },
      { retry: { attempts: 3, initialDelayMs: 1, timeoutMs: 1_000 }, ...options },
    )
    return { world, log }
  }
  const indeterminate = { reason: 'nobody knows whether the step "charge" had its effect', indeterminate: 'charge' }

  test('the start is recorded before the run, the end at once', async () => {
    let seen: string[] = []
    const { world } = setUp(() => ((seen = typesOf(process)), 7))
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'succeeded' })
    expect(seen).toEqual(['CommandAccepted', 'StepCompleted', 'StepStarted'])
    expect(typesOf(process)).toEqual([...seen, 'StepCompleted', 'Made'])
    expect(eventsOf(process)[2]?.data).toEqual({ step: 'charge', index: 1 })
  })

  test.each<{ case: string; at: number; fault: AppendFault; charges: number; outcome: string }>([
    { case: 'before the start', at: 2, fault: 'crash-before', charges: 1, outcome: 'succeeded' },
    { case: 'after the start, before the run', at: 2, fault: 'crash-after', charges: 0, outcome: 'failed' },
    { case: 'after the run', at: 3, fault: 'crash-before', charges: 1, outcome: 'failed' },
    { case: 'after its end was recorded', at: 3, fault: 'crash-after', charges: 1, outcome: 'succeeded' },
    { case: 'before the outcome', at: 4, fault: 'crash-before', charges: 1, outcome: 'succeeded' },
  ])('a crash $case: $charges charge(s), $outcome', async ({ at, fault, charges, outcome }) => {
    const { world, log } = setUp(() => 7)
    const dead = world.start()
    for (let each = 1; each < at; each++) dead.store.faults.beforeNextAppend(() => undefined)
    dead.store.faults.failNextAppend(fault)
    void dead.dispatch()
    await world.clock.runUntilIdle()
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome })
    expect(log.filter((entry) => entry === 'charge')).toHaveLength(charges)
    // An operator decides: nothing is undone.
    expect(log).not.toContain('undone')
    if (outcome === 'failed') expect(eventsOf(process).at(-1)?.data).toEqual(indeterminate)
  })

  test('the run throws: nobody knows, and it is not tried again', async () => {
    const { world, log } = setUp(() => Promise.reject(new Error('socket hang up')))
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(log).toEqual(['charge'])
    expect(eventsOf(process).at(-1)?.data).toEqual(indeterminate)
    const error = process.observed.failures[0]?.error
    expect(error).toBeInstanceOf(Indeterminate)
    expect(error).toMatchObject({ step: 'charge', cause: { message: 'socket hang up' } })
  })

  test.each([1, 3])(
    'the time of the try runs out within the run, with %i tries in all: nobody knows either',
    async (last) => {
      const retry = { attempts: last, initialDelayMs: 1, timeoutMs: 500 }
      const { world, log } = setUp(() => new Promise(() => undefined), { retry })
      const process = world.start()
      expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
      expect(log).toEqual(['charge'])
      expect(eventsOf(process).at(-1)?.data).toEqual(indeterminate)
    },
  )

  test.each<AppendFault>(['unavailable', 'unknown-written', 'unknown-not-written'])(
    'the store is away when it ends (%s): the process knows, and tells when the store is back',
    async (fault) => {
      // The jittered pauses add up to more than a second at times: the store is away, and not the try out of time.
      const { world, log } = setUp(() => 7, { retry: { attempts: 3, initialDelayMs: 1, timeoutMs: 60_000 } })
      const process = world.start()
      process.store.faults.beforeNextAppend(() => undefined)
      process.store.faults.beforeNextAppend(() => undefined)
      for (let time = 0; time < 4; time++) process.store.faults.failNextAppend(fault)
      expect(await run(world, process)).toMatchObject({ outcome: 'succeeded', response: { body: '{"charged":7}' } })
      expect(log).toEqual(['charge'])
      expect(process.observed.failures).toEqual([])
    },
  )

  test('its undo is tried as often as the policy says', async () => {
    let undos = 0
    const world = worldOf(async (_input, ctx) => {
      await ctx.step('charge', () => 7, {
        atMostOnce: true,
        retry: { attempts: 3, initialDelayMs: 1 },
        undo: (_result, { attempt }) => {
          undos++
          if (attempt < 3) throw new Error('down')
        },
      })
      return ctx.refuse('test-refused', 'No.')
    })
    expect(await run(world)).toMatchObject({ outcome: 'rejected' })
    expect(undos).toBe(3)
  })

  test('its result is larger than the store takes: nobody can tell what it was', async () => {
    const command = testCommand(async (_input, ctx) => {
      await ctx.step('charge', () => 'x'.repeat(5_000), { atMostOnce: true })
      return made
    })
    const world = createWorld({ commands: [command], maxEventBytes: 4_000 })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(eventsOf(process).at(-1)?.data).toMatchObject({ indeterminate: 'charge' })
  })
})
