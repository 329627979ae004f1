import { createWorld, eventsOf, run, stepsOf, testCommand, type TestHandle } from '@holdfast/testing/command-process'
import type { TestCommandOptions, World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { CommandContext } from '../command/context.ts'
import { UndoFailed } from './compensation.ts'

const quick: TestCommandOptions = { retry: { attempts: 3, initialDelayMs: 1, maxDelayMs: 1 } }
const worldOf = (handle: TestHandle, options: TestCommandOptions = quick): World =>
  createWorld({ commands: [testCommand(handle, options)] })

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

  test('for good: the others are undone all the same; the command has failed, and names what is left', async () => {
    const { log, all, failUndos } = createSteps()
    failUndos(2)
    const world = worldOf(refusing(all))
    const process = world.start()
    const resolution = await run(world, process)
    expect(resolution).toMatchObject({ outcome: 'failed', response: { status: 500 } })
    expect(log.slice(3)).toEqual(['undo three', 'undo three', 'undo two', 'undo one'])
    expect(stepsOf(process).slice(4)).toEqual([
      ...['CompensationStarted', 'StepUndone two', 'StepUndone one', 'CommandFailed'],
    ])
    const data = {
      reason: 'not all steps could be undone',
      ...{ compensation: 'incomplete', not_undone: ['three'], causes: { three: 'Error: the provider is down' } },
    }
    expect(eventsOf(process).at(-1)?.data).toEqual(data)
    // Names of steps and what providers say are nobody's business outside.
    expect(resolution.kind === 'outcome' && resolution.response.body).not.toMatch(/three|provider/)
    expect(process.observed.failures.at(-1)?.error).toBeInstanceOf(UndoFailed)
    expect(process.observed.decided).toEqual([{ outcome: 'failed', attempts: 1 }])
  })

  test('for good, several of them: each is named with its cause, the last one first', async () => {
    const world = worldOf(async (_input, ctx) => {
      for (const name of ['one', 'two', 'three', 'four']) {
        await ctx.step(name, () => 1, {
          retry: { attempts: 1 },
          undo: () => {
            if (name !== 'two' && name !== 'four') throw new Error(`${name} stays`)
          },
        })
      }
      return ctx.refuse('test-refused', 'No.')
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(stepsOf(process).slice(-3)).toEqual(['StepUndone four', 'StepUndone two', 'CommandFailed'])
    expect(eventsOf(process).at(-1)?.data).toMatchObject({
      not_undone: ['three', 'one'],
      causes: { three: 'Error: three stays', one: 'Error: one stays' },
    })
    expect(process.observed.failures.at(-1)?.error).toMatchObject({ cause: expect.any(AggregateError) as unknown })
  })

  test('and a crash behind it: it is tried once more; what has been undone is not', async () => {
    const { log, all, failUndos } = createSteps()
    failUndos(2)
    const world = worldOf(refusing(all))
    const dead = world.start()
    // Of eight appends without a failure, one is not made: the last one is the seventh.
    for (let each = 1; each < 7; each++) dead.store.faults.beforeNextAppend(() => undefined)
    dead.store.faults.failNextAppend('crash-before')
    void dead.dispatch()
    await world.clock.runUntilIdle()
    expect(stepsOf(dead).slice(-2)).toEqual(['StepUndone two', 'StepUndone one'])
    log.length = 0
    const process = world.start()
    // This time the provider is back: nothing is left, and the refusal is the outcome.
    expect(await run(world, process)).toMatchObject({ outcome: 'rejected' })
    expect(log).toEqual(['undo three'])
    expect(stepsOf(process).slice(-2)).toEqual(['StepUndone three', 'CommandRejected'])
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
