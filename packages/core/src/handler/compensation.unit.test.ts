import { auditGenerations, createWorld, testCommand, type TestHandle } from '@holdfast/testing/command-process'
import type { TestCommandOptions, TestProcess, World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { CommandContext } from '../command/context.ts'
import type { Resolution } from '../ports/command-transport.ts'
import { UndoFailed } from './compensation.ts'

const quick: TestCommandOptions = { retry: { attempts: 3, initialDelayMs: 1, maxDelayMs: 1 } }
const worldOf = (handle: TestHandle, options: TestCommandOptions = quick): World =>
  createWorld({ commands: [testCommand(handle, options)] })
const eventsOf = (process: TestProcess) => process.store.log.events(process.streamOf())
const stepsOf = (process: TestProcess): string[] =>
  eventsOf(process).map(({ type, data }) => (typeof data['step'] === 'string' ? `${type} ${data['step']}` : type))
const run = async (world: World, process = world.start()): Promise<Resolution> => {
  const { resolution } = process.dispatch()
  resolution.catch(() => undefined)
  await world.clock.runUntilIdle()
  return resolution
}

/** Three steps that can be undone, all of which the log tells of. */
const createSteps = () => {
  const log: string[] = []
  let undoFailures = 0
  const all = async (ctx: CommandContext<'test-refused'>): Promise<void> => {
    for (const name of ['one', 'two', 'three']) {
      await ctx.step(name, () => void log.push(name), {
        retry: { initialDelayMs: 1, attempts: 2 },
        undo: () => {
          log.push(`undo ${name}`)
          if (undoFailures > 0) {
            undoFailures--
            throw new Error('the provider is down')
          }
        },
      })
    }
  }
  return { log, all, failUndos: (count: number) => (undoFailures = count) }
}
const undone = ['undo three', 'undo two', 'undo one']

describe('a refusal after some steps', () => {
  test('undoes them, the last one first, each recorded; then it is the outcome', async () => {
    const { log, all } = createSteps()
    const world = worldOf(async (_input, ctx) => {
      await all(ctx)
      return ctx.refuse('test-refused', 'Too late.', { limit: 3 })
    })
    const process = world.start()
    const resolution = await run(world, process)
    expect(resolution).toMatchObject({ outcome: 'rejected', response: { status: 409 } })
    expect(log).toEqual(['one', 'two', 'three', ...undone])
    expect(stepsOf(process)).toEqual([
      'CommandAccepted',
      ...['StepCompleted one', 'StepCompleted two', 'StepCompleted three', 'CompensationStarted'],
      ...['StepUndone three', 'StepUndone two', 'StepUndone one', 'CommandRejected'],
    ])
    expect(eventsOf(process).at(-1)).toMatchObject({
      data: { code: 'test-refused', detail: 'Too late.', limit: 3 },
      metadata: { outcome: { kind: 'rejected', attempts: 1 } },
    })
    expect(await run(world)).toEqual(resolution)
  })

  test('where nothing can be undone, nothing is written about it', async () => {
    const world = worldOf(async (_input, ctx) => {
      await ctx.step('look', () => 1)
      return ctx.refuse('test-refused', 'No.')
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'rejected' })
    expect(stepsOf(process)).toEqual(['CommandAccepted', 'StepCompleted look', 'CommandRejected'])
  })

  test('a refusal before the first step is one append, as ever', async () => {
    const world = worldOf((_input, ctx) => ctx.refuse('test-refused', 'No.'))
    const process = world.start()
    await run(world, process)
    expect(stepsOf(process)).toEqual(['CommandRejected'])
  })

  test('undo gets the result as it is recorded, and a key of its own that stays the same', async () => {
    const seen: unknown[] = []
    let failures = 1
    const world = worldOf(async (_input, ctx) => {
      const result = await ctx.step('one', ({ key }) => ({ list: [1], key }), {
        retry: { initialDelayMs: 1 },
        undo: ({ list, key }, { key: undoKey, attempt, signal }) => {
          seen.push({ list, attempt, aborted: signal.aborted, own: undoKey !== key, undoKey })
          if (failures-- > 0) throw new Error('down')
        },
      })
      result.list.push(2)
      return ctx.refuse('test-refused', 'No.')
    })
    await run(world)
    const undoKey = (seen[0] as { undoKey: string }).undoKey
    const common = { list: [1], aborted: false, own: true, undoKey }
    expect(seen).toEqual([
      { ...common, attempt: 1 },
      { ...common, attempt: 2 },
    ])
  })
})

describe('after the last try', () => {
  test('what the steps did is undone, then the failure is the outcome', async () => {
    const { log, all } = createSteps()
    const world = worldOf(async (_input, ctx) => {
      await all(ctx)
      await ctx.step('four', () => Promise.reject(new Error('down')), { retry: { attempts: 1 } })
      return { type: 'Made', data: {} }
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed', response: { status: 500 } })
    expect(log).toEqual(['one', 'two', 'three', ...undone])
    expect(stepsOf(process).slice(4)).toEqual([
      ...['AttemptFailed', 'AttemptFailed', 'CompensationStarted'],
      ...['StepUndone three', 'StepUndone two', 'StepUndone one', 'CommandFailed'],
    ])
    expect(eventsOf(process).at(-1)?.data).toEqual({ reason: 'it failed 3 times' })
  })

  test('also when the last try did not come to the steps of an earlier one', async () => {
    const { log, all } = createSteps()
    let tries = 0
    const world = worldOf(async (_input, ctx) => {
      tries++
      if (tries === 2 || tries === 3) throw new Error('before the first step')
      await all(ctx)
      throw new Error('after the last step')
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(log).toEqual(['one', 'two', 'three', ...undone])
    expect(eventsOf(process).at(-1)?.data).toEqual({ reason: 'it failed 3 times' })
  })

  test('an outcome that is too large: undone, and a failure', async () => {
    const { log, all } = createSteps()
    const command = testCommand(async (_input, ctx) => {
      await all(ctx)
      return { type: 'Made', data: { text: 'x'.repeat(9_000) } }
    }, quick)
    const world = createWorld({ commands: [command], maxEventBytes: 8_000 })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(log).toEqual(['one', 'two', 'three', ...undone])
    expect(stepsOf(process)).toContain('StepCompleted three')
  })

  test('a refusal that is too large: undone once, and a failure', async () => {
    for (const size of [6_800, 7_000, 7_200, 7_400, 7_600, 9_000]) {
      const { log, all } = createSteps()
      const command = testCommand(async (_input, ctx) => {
        await all(ctx)
        return ctx.refuse('test-refused', 'x'.repeat(size / 2))
      }, quick)
      const world = createWorld({ commands: [command], maxEventBytes: 8_000 })
      const process = world.start()
      expect(await run(world, process)).toMatchObject({ kind: 'outcome' })
      expect(log, String(size)).toEqual(['one', 'two', 'three', ...undone])
    }
  })
})

describe('an undo that fails', () => {
  const refusing = (all: (ctx: CommandContext<'test-refused'>) => Promise<void>): TestHandle => {
    return async (_input, ctx) => {
      await all(ctx)
      return ctx.refuse('test-refused', 'No.')
    }
  }

  test('is tried again, by the policy of the step', async () => {
    const { log, all, failUndos } = createSteps()
    failUndos(1)
    expect(await run(worldOf(refusing(all)))).toMatchObject({ outcome: 'rejected' })
    expect(log.slice(3)).toEqual(['undo three', ...undone])
  })

  test('for good: the command has failed, and says so; what stands before it is not undone', async () => {
    const { log, all, failUndos } = createSteps()
    failUndos(2)
    const world = worldOf(refusing(all))
    const process = world.start()
    const resolution = await run(world, process)
    expect(resolution).toMatchObject({ outcome: 'failed', response: { status: 500 } })
    expect(log.slice(3)).toEqual(['undo three', 'undo three'])
    const expected = {
      reason: 'the step "three" could not be undone',
      ...{ compensation: 'incomplete', step: 'three', not_undone: ['three', 'two', 'one'] },
      cause: 'Error: the provider is down',
    }
    expect(eventsOf(process).at(-1)).toMatchObject({ type: 'CommandFailed', data: expected })
    // Names of steps and what providers say are nobody's business outside.
    expect(resolution.kind === 'outcome' && resolution.response.body).not.toMatch(/three|provider/)
    expect(process.observed.failures.at(-1)?.error).toBeInstanceOf(UndoFailed)
    expect(process.observed.decided).toEqual([{ outcome: 'failed', attempts: 1 }])
  })

  test('for good, in the middle: what was undone before it is not named as left', async () => {
    const { log, all, failUndos } = createSteps()
    const world = worldOf(async (_input, ctx) => {
      await all(ctx)
      await ctx.step('four', () => 4, { undo: () => void failUndos(2) })
      return ctx.refuse('test-refused', 'No.')
    })
    const process = world.start()
    await run(world, process)
    expect(log.slice(3)).toEqual(['undo three', 'undo three'])
    expect(stepsOf(process).slice(-2)).toEqual(['StepUndone four', 'CommandFailed three'])
    expect(eventsOf(process).at(-1)?.data).toMatchObject({ not_undone: ['three', 'two', 'one'] })
  })

  test('that hangs is aborted when its time is up', async () => {
    const signals: AbortSignal[] = []
    const world = worldOf(async (_input, ctx) => {
      await ctx.step('one', () => 1, {
        retry: { attempts: 2, timeoutMs: 100, initialDelayMs: 1 },
        undo: (_result, { signal }) => {
          signals.push(signal)
          return new Promise<void>(() => undefined)
        },
      })
      return ctx.refuse('test-refused', 'No.')
    })
    expect(await run(world)).toMatchObject({ outcome: 'failed' })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })
})

describe('crash at every append of the compensation: never decided again, never undone twice once that is recorded', () => {
  // Accepted, two recorded with the start of the next step, [three, CompensationStarted], three undone, two, one, outcome.
  const appends = 8
  const cases = Array.from({ length: appends - 3 }, (_, at) => at + 4).flatMap((at) =>
    (['crash-before', 'crash-after'] as const).map((fault) => ({ at, fault })),
  )

  test.each(cases)('append $at, $fault', async ({ at, fault }) => {
    const { log, all } = createSteps()
    let decisions = 0
    const world = worldOf(async (_input, ctx) => {
      await all(ctx)
      // Had it decided again, it would say something else.
      return ctx.refuse('test-refused', `Decision ${++decisions}.`)
    })
    const dead = world.start()
    for (let each = 1; each < at; each++) dead.store.faults.beforeNextAppend(() => undefined)
    dead.store.faults.failNextAppend(fault)
    void dead.dispatch()
    await world.clock.runUntilIdle()
    expect(dead.store.faults.crashed).toBe(true)
    const recorded = stepsOf(dead)
    const open = undone.filter((name) => !recorded.includes(`StepUndone ${name.slice(5)}`))
    log.length = 0
    decisions = 10

    const process = world.start()
    const recovered = process.recover()
    await world.clock.runUntilIdle()
    await recovered
    const resolution = await run(world)
    expect(resolution).toMatchObject({ outcome: 'rejected' })
    const decided = recorded.includes('CompensationStarted')
    expect(JSON.stringify(resolution)).toContain(decided ? 'Decision 1.' : 'Decision 11.')
    if (recorded.at(-1) === 'CommandRejected') expect(log).toEqual([])
    else expect(log).toEqual([...(recorded.includes('StepCompleted three') ? [] : ['three']), ...open])
    expect(stepsOf(process).filter((type) => type.startsWith('StepUndone'))).toEqual([
      ...['StepUndone three', 'StepUndone two', 'StepUndone one'],
    ])
    const [generation] = auditGenerations(eventsOf(process))
    expect(generation?.outcome).toMatchObject({ kind: 'rejected', attempts: 1 })
  })

  test('the command no longer asks for a recorded step: nobody knows how to undo it, and that is said', async () => {
    const { log, all } = createSteps()
    let deployed = 1
    const world = worldOf(async (_input, ctx) => {
      if (deployed === 2) return ctx.refuse('test-refused', 'No.')
      if (deployed === 3) throw new Error('cannot start')
      await all(ctx)
      return ctx.refuse('test-refused', 'No.')
    })
    for (deployed of [2, 3]) {
      const key = String(deployed)
      deployed = 1
      const dead = world.start()
      for (let each = 1; each < 5; each++) dead.store.faults.beforeNextAppend(() => undefined)
      dead.store.faults.failNextAppend('crash-before')
      void dead.dispatch({ key })
      await world.clock.runUntilIdle()
      log.length = 0
      deployed = Number(key)
      const process = world.start()
      const { resolution } = process.dispatch({ key })
      await world.clock.runUntilIdle()
      expect(await resolution).toMatchObject({ outcome: 'failed' })
      expect(log).toEqual([])
      expect(process.store.log.events(process.streamOf({ key })).at(-1)?.data).toMatchObject({
        compensation: 'incomplete',
        step: 'three',
      })
    }
  })

  test('a walk through the steps that fails is tried again', async () => {
    const { log, all } = createSteps()
    let failures = 0
    const world = worldOf(async (_input, ctx) => {
      if (failures-- > 0) throw new Error('cannot start')
      await all(ctx)
      return ctx.refuse('test-refused', 'No.')
    })
    const dead = world.start()
    for (let each = 1; each < 5; each++) dead.store.faults.beforeNextAppend(() => undefined)
    dead.store.faults.failNextAppend('crash-before')
    void dead.dispatch()
    await world.clock.runUntilIdle()
    log.length = 0
    failures = 2
    expect(await run(world)).toMatchObject({ outcome: 'rejected' })
    expect(log).toEqual(undone)
  })

  test('the store is away in between: it goes on undoing when it is back', async () => {
    const { log, all } = createSteps()
    const world = worldOf(async (_input, ctx) => {
      await all(ctx)
      return ctx.refuse('test-refused', 'No.')
    })
    const process = world.start()
    for (let each = 1; each < 6; each++) process.store.faults.beforeNextAppend(() => undefined)
    process.store.faults.failNextAppend('unavailable')
    expect(await run(world, process)).toMatchObject({ outcome: 'rejected' })
    // What could not be recorded was undone again, under the same key.
    expect(log.slice(3)).toEqual(['undo three', 'undo two', 'undo two', 'undo one'])
    expect(process.observed.failures).toEqual([])
  })

  test('a zombie in an undo wakes up when another has ended the compensation: it resolves to that', async () => {
    const hold = Promise.withResolvers<void>()
    let holding = true
    const world = worldOf(async (_input, ctx) => {
      await ctx.step('one', () => 1, { undo: () => (holding ? hold.promise : undefined) })
      return ctx.refuse('test-refused', 'No.')
    })
    const [zombie, other] = [world.start(), world.start()]
    const { resolution } = zombie.dispatch()
    await world.clock.settle()
    holding = false
    const recorded = await other.dispatch().resolution
    const length = eventsOf(other).length
    hold.resolve()
    await world.clock.runUntilIdle()
    expect(await resolution).toEqual(recorded)
    expect(eventsOf(other)).toHaveLength(length)
  })
})
