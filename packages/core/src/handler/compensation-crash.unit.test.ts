import {
  auditGenerations,
  createWorld,
  eventsOf,
  run,
  stepsOf,
  testCommand,
  type TestHandle,
} from '@holdfast/testing/command-process'
import type { TestCommandOptions, World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { CommandContext } from '../command/context.ts'

const quick: TestCommandOptions = { retry: { attempts: 3, initialDelayMs: 1, maxDelayMs: 1 } }
const worldOf = (handle: TestHandle, options: TestCommandOptions = quick): World =>
  createWorld({ commands: [testCommand(handle, options)] })

/** Three steps that can be undone, all of which the log tells of. */
const createSteps = () => {
  const log: string[] = []
  const all = async (ctx: CommandContext<'test-refused'>): Promise<void> => {
    for (const name of ['one', 'two', 'three']) {
      await ctx.step(name, () => void log.push(name), {
        retry: { initialDelayMs: 1, attempts: 2 },
        undo: () => void log.push(`undo ${name}`),
      })
    }
  }
  return { log, all }
}
const undone = ['undo three', 'undo two', 'undo one']

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
        not_undone: ['three', 'two', 'one'],
      })
    }
  })

  test('the command no longer asks for the last one: those that it asks for are undone, and that one is left', async () => {
    const { log, all } = createSteps()
    let deployed = 1
    const world = worldOf(async (_input, ctx) => {
      await all(ctx)
      if (deployed === 1) await ctx.step('four', () => 4, { undo: () => void log.push('undo four') })
      return ctx.refuse('test-refused', 'No.')
    })
    const dead = world.start()
    for (let each = 1; each < 6; each++) dead.store.faults.beforeNextAppend(() => undefined)
    dead.store.faults.failNextAppend('crash-before')
    void dead.dispatch()
    await world.clock.runUntilIdle()
    expect(stepsOf(dead).at(-1)).toBe('CompensationStarted')
    log.length = 0
    deployed = 2
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(log).toEqual(undone)
    expect(eventsOf(process).at(-1)?.data).toMatchObject({ compensation: 'incomplete', not_undone: ['four'] })
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
