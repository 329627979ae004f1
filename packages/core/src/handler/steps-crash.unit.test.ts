import {
  auditGenerations,
  createWorld,
  eventsOf,
  testCommand,
  typesOf,
  type TestHandle,
} from '@holdfast/testing/command-process'
import type { TestCommandOptions, TestProcess, World } from '@holdfast/testing/command-process'
import type { AppendFault } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import type { Resolution } from '../ports/command-transport.ts'

const names = ['reserve-stock', 'charge-card', 'create-label'] as const
const worldOf = (handle: TestHandle, options: TestCommandOptions = {}): World =>
  createWorld({ commands: [testCommand(handle, options)] })

/** A provider that honours idempotency keys, as a process of its own: it survives ours. */
const createProvider = () => {
  const effects = new Map<string, number>()
  const calls: string[] = []
  return {
    effects,
    calls,
    call: (name: string, key: string): number => {
      calls.push(name)
      const known = effects.get(key) ?? effects.size + 1
      effects.set(key, known)
      return known
    },
  }
}
const ordering = (provider: ReturnType<typeof createProvider>): TestHandle => {
  return async (_input, ctx) => {
    const results: number[] = []
    for (const name of names) results.push(await ctx.step(name, ({ key }) => provider.call(name, key)))
    return { type: 'OrderPlaced', data: { id: ctx.id, results } }
  }
}

/** Lets the process meet the fault at its append number `at` (from 1). */
const failAt = (process: TestProcess, at: number, fault: AppendFault): void => {
  for (let each = 1; each < at; each++) process.store.faults.beforeNextAppend(() => undefined)
  process.store.faults.failNextAppend(fault)
}
const settle = async (world: World, resolution: Promise<Resolution>): Promise<Resolution> => {
  resolution.catch(() => undefined)
  await world.clock.runUntilIdle()
  return resolution
}

describe('crash at every append: one effect for each step, one outcome', () => {
  // Accepted, one, two, three with the outcome.
  const cases = [1, 2, 3, 4].flatMap((at) =>
    (['crash-before', 'crash-after'] as const).flatMap((fault) =>
      (['recover', 'retry'] as const).map((next) => ({ at, fault, next })),
    ),
  )

  test.each(cases)('append $at, $fault, then a $next', async ({ at, fault, next }) => {
    const provider = createProvider()
    const world = worldOf(ordering(provider))
    const dead = world.start()
    failAt(dead, at, fault)
    void dead.dispatch()
    await world.clock.runUntilIdle()
    expect(dead.store.faults.crashed).toBe(true)
    const recorded = typesOf(dead).filter((type) => type === 'StepCompleted').length
    provider.calls.length = 0

    const process = world.start()
    if (next === 'recover') {
      const recovered = process.recover()
      await world.clock.runUntilIdle()
      await recovered
    }
    const resolution = await settle(world, process.dispatch().resolution)
    expect(resolution).toMatchObject({ kind: 'outcome', outcome: 'succeeded' })
    // What is recorded does not run again; the one that was under way does, under its key.
    expect(provider.calls).toEqual(names.slice(recorded))
    expect(provider.effects.size).toBe(3)
    const [generation, ...more] = auditGenerations(eventsOf(process))
    expect(more).toEqual([])
    expect(generation?.events.map(({ type, data }) => data['step'] ?? type)).toEqual([
      ...['CommandAccepted', ...names, 'OrderPlaced'],
    ])
    expect(generation?.outcome?.response.body).toContain('"results":[1,2,3]')
    // A retry, wherever, gets the same bytes.
    expect(await settle(world, world.start().dispatch().resolution)).toEqual(resolution)
  })

  test.each(
    [1, 2, 3, 4].flatMap((at) =>
      (['unknown-written', 'unknown-not-written', 'unavailable'] as const).map((fault) => ({ at, fault })),
    ),
  )('append $at, $fault: nothing runs twice in the same process but what was not recorded', async ({ at, fault }) => {
    const provider = createProvider()
    const world = worldOf(ordering(provider))
    const process = world.start()
    failAt(process, at, fault)
    const resolution = settle(world, process.dispatch().resolution)
    if (at === 1 && fault === 'unavailable') await expect(resolution).rejects.toMatchObject({ code: 'unavailable' })
    else expect(await resolution).toMatchObject({ outcome: 'succeeded' })
    expect(provider.effects.size).toBe(at === 1 && fault === 'unavailable' ? 0 : 3)
    expect(provider.calls).toHaveLength(fault !== 'unavailable' ? 3 : at === 1 ? 0 : 4)
  })
})

describe('a zombie', () => {
  const heldWorld = () => {
    const holds = names.map(() => Promise.withResolvers<void>())
    const provider = createProvider()
    let holding = true
    const world = worldOf(async (_input, ctx) => {
      const mine = holding
      for (const [at, name] of names.entries()) {
        await ctx.step(name, async ({ key }) => {
          provider.call(name, key)
          if (mine) await holds[at]?.promise
        })
      }
      return { type: 'OrderPlaced', data: { id: ctx.id } }
    })
    return { holds, provider, world, free: () => (holding = false) }
  }

  test.each([0, 1, 2])(
    'wakes inside step %d when another has finished: its append is refused, it resolves to what is recorded',
    async (at) => {
      const { holds, provider, world, free } = heldWorld()
      const [zombie, other] = [world.start(), world.start()]
      const { resolution } = zombie.dispatch()
      for (const hold of holds.slice(0, at)) hold.resolve()
      await world.clock.settle()
      free()
      const recorded = await other.dispatch().resolution
      const length = eventsOf(other).length
      for (const hold of holds) hold.resolve()
      expect(await settle(world, resolution)).toEqual(recorded)
      expect(eventsOf(other)).toHaveLength(length)
      expect(zombie.observed.decided).toEqual([])
      // It was refused before it came to a further step.
      const calls = [...names.slice(0, at + 1), ...names.slice(at)]
      expect(provider.calls).toEqual(calls)
      expect(provider.effects.size).toBe(3)
      expect(auditGenerations(eventsOf(other))).toHaveLength(1)
    },
  )

  test('which was shut down inside a step runs no further step, and writes nothing more', async () => {
    const { holds, provider, world } = heldWorld()
    const process = world.start({ graceMs: 10 })
    const { resolution } = process.dispatch()
    resolution.catch(() => undefined)
    await world.clock.settle()
    const closed = process.handler.close()
    await world.clock.advance(10)
    await closed
    await expect(resolution).rejects.toThrow('shutting down')
    const length = eventsOf(process).length
    for (const hold of holds) hold.resolve()
    await world.clock.runUntilIdle()
    expect(provider.calls).toEqual([names[0]])
    expect(eventsOf(process)).toHaveLength(length)
    expect(process.observed).toEqual({ failures: [], decided: [] })
  })

  test('of its own process: a try that ran out of time in a step has no effect on the stream when that ends', async () => {
    const hold = Promise.withResolvers<string>()
    const results: string[] = []
    const signals: AbortSignal[] = []
    let tries = 0
    const world = worldOf(
      async (_input, ctx) => {
        const first = ++tries === 1
        const result = await ctx.step('slow', async (run) => {
          signals.push(run.signal)
          return first ? await hold.promise : 'second'
        })
        results.push(result)
        await ctx.step('next', () => undefined)
        return { type: 'Made', data: { result } }
      },
      { retry: { attempts: 3, initialDelayMs: 1_000, timeoutMs: 500 } },
    )
    const process = world.start()
    const { resolution } = process.dispatch()
    await world.clock.advance(500)
    expect(typesOf(process)).toEqual(['CommandAccepted', 'AttemptFailed'])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    hold.resolve('first')
    await world.clock.settle()
    expect(typesOf(process)).toEqual(['CommandAccepted', 'AttemptFailed'])
    expect(await settle(world, resolution)).toMatchObject({ outcome: 'succeeded' })
    expect(results).toEqual(['second'])
    expect(typesOf(process).slice(2)).toEqual(['StepCompleted', 'StepCompleted', 'Made'])
  })

  test('of its own process: a step that waits for its retry when the try runs out of time is not run again by it', async () => {
    let runs = 0
    const world = worldOf(
      async (_input, ctx) => {
        await ctx.step('flaky', () => Promise.reject(new Error(`run ${++runs}`)), {
          retry: { attempts: 10, initialDelayMs: 400, maxDelayMs: 400 },
        })
        return { type: 'Made', data: {} }
      },
      { retry: { attempts: 1, timeoutMs: 1 } },
    )
    const resolution = await settle(world, world.start().dispatch().resolution)
    expect(resolution).toMatchObject({ outcome: 'failed' })
    expect(runs).toBe(1)
  })
})
