import {
  auditGenerations,
  createWorld,
  eventsOf,
  run,
  testCommand,
  typesOf,
  type TestHandle,
} from '@holdfast/testing/command-process'
import type { TestCommandOptions, TestProcess, World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { CommandContext } from '../command/context.ts'
import type { Resolution } from '../ports/command-transport.ts'
import { EventStoreError } from '../ports/event-store.ts'
import { GenerationLost } from './key-writer.ts'
import { CommandDefect, Indeterminate, StepFailed } from './step-errors.ts'

const quick: TestCommandOptions = { retry: { attempts: 3, initialDelayMs: 1, maxDelayMs: 1 } }
const worldOf = (handle: TestHandle, options: TestCommandOptions = quick): World =>
  createWorld({ commands: [testCommand(handle, options)] })
const lastData = (process: TestProcess): unknown => eventsOf(process).at(-1)?.data
const made = { type: 'Made', data: {} }
const nothing = (): undefined => undefined

describe('a command that cannot be finished as it is defined: a definite failure, nothing is undone', () => {
  let handle: TestHandle = () => made
  let world = worldOf(handle)
  const undone: string[] = []
  const undo = (name: string) => ({ undo: () => void undone.push(name) })

  test.each<{ case: string; again: TestHandle; reason: string }>([
    {
      case: 'it uses a step name twice',
      again: async (_input, ctx) => {
        await ctx.step('one', nothing, undo('one'))
        await ctx.step('one', nothing, undo('one again'))
        return made
      },
      reason: 'it asks for the step "one" twice',
    },
    {
      case: 'it asks for another step than its history holds',
      again: async (_input, ctx) => {
        await ctx.step('other', nothing, undo('other'))
        return made
      },
      reason: 'it asks for the step "other" where its history holds "one": it does not decide the same again',
    },
    {
      case: 'it decides without a step that its history holds',
      again: () => made,
      reason: 'it decides without the step "one", which its history holds',
    },
    {
      case: 'it refuses without a step that its history holds',
      again: (_input, ctx) => ctx.refuse('test-refused', 'No.'),
      reason: 'it decides without the step "one", which its history holds',
    },
    {
      case: 'it does not wait for its step',
      again: async (_input, ctx) => {
        await ctx.step('one', nothing, undo('one'))
        void ctx.step('late', () => world.clock.sleep(100).then(nothing))
        return made
      },
      reason: 'it decided while a step of it was under way',
    },
    {
      case: 'it does not even wait for the start of its step',
      again: async (_input, ctx) => {
        await ctx.step('one', nothing, undo('one'))
        void ctx.step('late', () => expect.fail('it ran after the decision'))
        return made
      },
      reason: 'it decided while a step of it was under way',
    },
  ])('$case', async ({ again, reason }) => {
    undone.length = 0
    let runs = 0
    handle = (input, ctx) => {
      runs++
      if (runs > 1) return again(input, ctx)
      return ctx.step('one', nothing, undo('one')).then(() => {
        throw new Error('the first try fails')
      })
    }
    world = worldOf((input, ctx) => handle(input, ctx))
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ kind: 'outcome', outcome: 'failed' })
    expect({ runs, undone }).toEqual({ runs: 2, undone: [] })
    expect(lastData(process)).toEqual({ reason })
    expect(process.observed.failures.at(-1)?.error).toBeInstanceOf(CommandDefect)
    expect(eventsOf(process).at(-1)?.metadata).toMatchObject({ outcome: { attempts: 2, response: { status: 500 } } })
    expect(typesOf(process).filter((type) => type === 'CompensationStarted')).toEqual([])
  })
})

describe('what a command catches it cannot make undone: the try is over', () => {
  const caught: unknown[] = []
  /** Catches whatever its second step throws, and goes on in every way it can. */
  const obstinate =
    (second: (ctx: CommandContext) => Promise<unknown>, after: 'succeeds' | 'refuses' | 'throws another'): TestHandle =>
    async (_input, ctx) => {
      await ctx.step('one', nothing)
      try {
        await second(ctx)
      } catch (error) {
        caught.push(error)
        // No further step runs.
        await ctx.step('three', () => expect.fail('ran')).catch(nothing)
        if (after === 'throws another') throw new Error('it did not work', { cause: error })
        if (after === 'refuses') return ctx.refuse('test-refused', 'No.')
      }
      return made
    }
  const all = ['succeeds', 'refuses', 'throws another'] as const

  test.each(all)('a step that failed, and it %s: the try fails, the next one goes on', async (after) => {
    let failures = 4
    const second = (ctx: CommandContext) =>
      ctx.step('two', () => {
        if (failures-- > 0) throw new Error('provider down')
      })
    const world = worldOf(obstinate(second, after))
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'succeeded' })
    expect(process.observed.failures.map(({ error }) => error)).toEqual([expect.any(StepFailed)])
    expect(typesOf(process)).toEqual([
      ...['CommandAccepted', 'StepCompleted', 'AttemptFailed', 'StepCompleted', 'Made'],
    ])
  })

  test.each(all)('a defect, and it %s: it fails', async (after) => {
    const world = worldOf(obstinate((ctx) => ctx.step('one', nothing), after))
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(lastData(process)).toEqual({ reason: 'it asks for the step "one" twice' })
  })

  test.each(all)('an effect of which nobody knows, and it %s: it fails', async (after) => {
    const second = (ctx: CommandContext) =>
      ctx.step('two', () => Promise.reject(new Error('timeout')), { atMostOnce: true })
    const world = worldOf(obstinate(second, after))
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(lastData(process)).toMatchObject({ indeterminate: 'two' })
    expect(process.observed.failures.at(-1)?.error).toBeInstanceOf(Indeterminate)
  })

  test.each(all)('another worker was faster, and it %s: it resolves to what that one recorded', async (after) => {
    const world = worldOf(obstinate((ctx) => ctx.step('two', nothing), after))
    const [process, rival] = [world.start(), world.start()]
    let rivals: Resolution | undefined
    process.store.faults.beforeNextAppend(() => undefined)
    process.store.faults.beforeNextAppend(async () => {
      rivals = await rival.dispatch().resolution
      return undefined
    })
    caught.length = 0
    expect(await run(world, process)).toEqual(rivals)
    expect(caught).toEqual([expect.any(GenerationLost)])
    expect(process.observed).toEqual({ failures: [], decided: [] })
    expect(auditGenerations(eventsOf(process))).toHaveLength(1)
  })

  test.each(all)('the store is away, and it %s: the key goes on when it is back', async (after) => {
    const world = worldOf(obstinate((ctx) => ctx.step('two', nothing), after))
    const process = world.start()
    process.store.faults.beforeNextAppend(() => undefined)
    process.store.faults.failNextAppend('unavailable')
    caught.length = 0
    expect(await run(world, process)).toMatchObject({ outcome: 'succeeded' })
    expect(caught).toEqual([expect.any(EventStoreError)])
    expect(process.observed.failures).toEqual([])
  })

  test('a fault before the acceptance: nothing is durable, no effect was had, the attempt is given up', async () => {
    let ran = false
    const world = worldOf(async (_input, ctx) => {
      await ctx.step('one', () => void (ran = true)).catch(nothing)
      return made
    })
    const process = world.start()
    process.store.faults.failNextAppend('unavailable')
    await expect(run(world, process)).rejects.toMatchObject({ code: 'unavailable' })
    expect({ ran, events: world.log.events() }).toEqual({ ran: false, events: [] })
  })

  test('one of several steps fails: those behind it do not run in this try', async () => {
    const ran: string[] = []
    let failures = 3
    const world = worldOf(async (_input, ctx) => {
      const one = ctx.step('one', () => {
        ran.push('one')
        if (failures-- > 0) throw new Error('down')
      })
      await Promise.all([one, ctx.step('two', () => void ran.push('two'))])
      return made
    })
    expect(await run(world)).toMatchObject({ outcome: 'succeeded' })
    expect(ran).toEqual(['one', 'one', 'one', 'one', 'two'])
  })
})
