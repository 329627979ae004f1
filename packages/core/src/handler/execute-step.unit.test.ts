import { auditGenerations, createWorld, testCommand, type TestHandle } from '@holdfast/testing/command-process'
import type { TestCommandOptions, TestProcess, World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { defineAggregate, reject, type ExecuteResult } from '../aggregate/define-aggregate.ts'
import type { Resolution } from '../ports/command-transport.ts'
import type { ReadOptions } from '../ports/event-store.ts'

type Command = { readonly type: 'add' | 'reserve' | 'release' | 'break'; readonly n: number }
const inventory = defineAggregate({
  name: 'inventory',
  initial: Number(0),
  evolve: (left, event: { readonly type: 'Added' | 'Reserved' | 'Released'; readonly data: { readonly n: number } }) =>
    event.type === 'Reserved' ? left - event.data.n : left + event.data.n,
  decide: ({ type, n }: Command, left) => {
    if (type === 'break') throw new Error('cannot decide')
    if (type === 'add') return { type: 'Added', data: { n } } as const
    if (type === 'release') return { type: 'Released', data: { n } } as const
    return n > left ? reject({ left }) : ({ type: 'Reserved', data: { n } } as const)
  },
})
const quick = { attempts: 3, initialDelayMs: 1, maxDelayMs: 1, timeoutMs: 1_000 }
const stockOf = (world: World) => world.log.events('inventory-abc')
const stockTypes = (world: World): string[] => stockOf(world).map(({ type }) => type)
const left = (world: World): number =>
  stockOf(world).reduce((sum, { type, data }) => sum + (type === 'Reserved' ? -1 : 1) * Number(data['n'] ?? 0), 0)
const seed = (world: World, events: number): void => {
  const all = Array.from({ length: events }, (_, at) => ({
    id: `seed-${at}`,
    type: 'Added',
    data: { n: 1 },
    metadata: {},
  }))
  world.log.append('inventory-abc', all, 'no_stream')
}
const eventsOf = (process: TestProcess, key = 'k') => process.store.log.events(process.streamOf({ key }))
const typesOf = (process: TestProcess): string[] => eventsOf(process).map(({ type }) => type)
const run = async (world: World, process = world.start(), request = {}): Promise<Resolution> => {
  const { resolution } = process.dispatch(request)
  resolution.catch(() => undefined)
  await world.clock.runUntilIdle()
  return resolution
}
const reserve = { command: { type: 'reserve', n: 2 }, undo: (): Command => ({ type: 'release', n: 2 }) } as const
type Ending = 'succeeds' | 'refuses' | 'fails'
const ordering = (ending: Ending, told: unknown[] = []): TestHandle => {
  return async (_input, ctx) => {
    const stock: ExecuteResult = await ctx.execute(inventory, 'abc', reserve)
    told.push(stock)
    if (stock.kind === 'rejected') return ctx.refuse('test-refused', 'Out of stock.')
    await ctx.step('charge', () => 1)
    if (ending === 'refuses') return ctx.refuse('test-refused', 'Declined.')
    if (ending === 'fails') throw new Error('no label')
    return { type: 'Placed', data: { n: 2 } }
  }
}
const worldOf = (handle: TestHandle, stock = 5, options: TestCommandOptions = { retry: quick }): World => {
  const world = createWorld({ commands: [testCommand(handle, options)] })
  seed(world, stock)
  return world
}

describe('ctx.execute', () => {
  test('records where to look before it appends to the aggregate', async () => {
    const told: unknown[] = []
    const world = worldOf(ordering('succeeds', told))
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'succeeded' })
    expect(typesOf(process)).toEqual(['CommandAccepted', 'StepStarted', 'StepCompleted', 'StepCompleted', 'Placed'])
    const [accepted, started, completed] = eventsOf(process)
    const place = { stream: 'inventory-abc', after: 4 }
    expect(started?.data).toEqual({ step: 'inventory-abc', index: 0, place })
    const reserved = stockOf(world).at(-1)
    expect(reserved).toMatchObject({ type: 'Reserved', data: { n: 2 }, revision: 5n })
    expect(Number(reserved?.position)).toBeGreaterThan(Number(started?.position))
    expect(Number(reserved?.position)).toBeLessThan(Number(completed?.position))
    // The acceptance and the place are one write.
    expect(Number(started?.position) - Number(accepted?.position)).toBe(8)
    expect(told).toEqual([{ kind: 'done', events: [{ type: 'Reserved', data: { n: 2 } }] }])
    expect(completed?.data).toEqual({ step: 'inventory-abc', index: 0, result: told[0] })
  })

  test('a rejection is a result like any other, with nothing to undo', async () => {
    const told: unknown[] = []
    const world = worldOf(ordering('succeeds', told), 1)
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'rejected' })
    expect(told).toEqual([{ kind: 'rejected', reason: { left: 1 } }])
    expect(typesOf(process)).toEqual(['CommandAccepted', 'StepStarted', 'StepCompleted', 'CommandRejected'])
    expect(stockTypes(world)).toEqual(['Added'])
  })

  test('twice on one aggregate needs two names', async () => {
    const twice = (second: { step?: string }): TestHandle => {
      return async (_input, ctx) => {
        await ctx.execute(inventory, 'abc', reserve)
        await ctx.execute(inventory, 'abc', { ...reserve, ...second })
        return { type: 'Placed', data: {} }
      }
    }
    const [one, two] = [worldOf(twice({})), worldOf(twice({ step: 'again' }))]
    expect(await run(one)).toMatchObject({ outcome: 'failed' })
    expect(await run(two)).toMatchObject({ outcome: 'succeeded' })
    expect(left(two)).toBe(1)
  })

  test.each<{ case: string; id: string; type: Command['type'] }>([
    { case: 'an id that cannot be one', id: 'not an id', type: 'reserve' },
    { case: 'a decide that throws', id: 'abc', type: 'break' },
  ])('$case fails the try, in the end the command', async ({ id, type }) => {
    const world = worldOf(async (_input, ctx) => {
      await ctx.execute(inventory, 'abc', { ...reserve, step: 'before' })
      await ctx.execute(inventory, id, {
        command: { type, n: 1 },
        step: 'bad',
        undo: () => ({ type: 'release', n: 1 }),
      })
      return { type: 'Placed', data: {} }
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(eventsOf(process).at(-1)?.data).toEqual({ reason: 'it failed 3 times' })
    expect(left(world)).toBe(5)
  })
})

describe('one effect on the aggregate, whatever crashes', () => {
  const endings: { ending: Ending; appends: number; outcome: string; after: number; types: string[] }[] = [
    // [accepted, started] [reserved] [completed: acceptance of the next step] [outcome]
    { ending: 'succeeds', appends: 4, outcome: 'succeeded', after: 3, types: ['Reserved'] },
    // … [compensation] [released] [undone] [outcome]
    { ending: 'refuses', appends: 7, outcome: 'rejected', after: 5, types: ['Reserved', 'Released'] },
    { ending: 'fails', appends: 9, outcome: 'failed', after: 5, types: ['Reserved', 'Released'] },
  ]
  const cases = endings.flatMap((ending) =>
    Array.from({ length: ending.appends + 1 }, (_, at) => at + 1).flatMap((at) =>
      (['crash-before', 'crash-after', 'unavailable', 'unknown-written', 'unknown-not-written'] as const).map(
        (fault) => ({ ...ending, at, fault }),
      ),
    ),
  )

  test.each(cases)(
    'it $ending; append $at meets $fault',
    async ({ ending, appends, at, fault, outcome, after, types }) => {
      const world = worldOf(ordering(ending))
      const dead = world.start()
      for (let each = 1; each < at; each++) dead.store.faults.beforeNextAppend(() => undefined)
      dead.store.faults.failNextAppend(fault)
      void dead.dispatch().resolution.catch(() => undefined)
      await world.clock.runUntilIdle()
      const { crashed } = dead.store.faults
      const process = world.start()
      const recovered = process.recover()
      await world.clock.runUntilIdle()
      await recovered
      expect(await run(world, process)).toMatchObject({ outcome })
      expect(left(world)).toBe(after)
      expect(stockTypes(world).slice(5)).toEqual(types)
      expect(auditGenerations(eventsOf(process))).toHaveLength(1)
      expect(crashed).toBe(fault.startsWith('crash') && at <= appends)
    },
  )

  test('recovery looks only after the recorded place, in a long stream too', async () => {
    const world = worldOf(ordering('succeeds'), 1_000)
    const dead = world.start()
    dead.store.faults.beforeNextAppend(() => undefined)
    dead.store.faults.failNextAppend('crash-after')
    // A snapshot, as there would be.
    const state = { state: 1_000, revision: 999, version: 1 }
    world.log.append('snapshot-inventory-abc', [{ id: 's', type: 'Snapshot', data: state, metadata: {} }], 'no_stream')
    void dead.dispatch()
    await world.clock.runUntilIdle()
    expect(stockTypes(world)).toHaveLength(1_001)
    const process = world.start()
    const own = { ...process.store }
    const reads: (ReadOptions & { stream: string })[] = []
    process.store.read = (stream, options) => {
      if (stream.startsWith('inventory-')) reads.push({ stream, ...options })
      return own.read(stream, options)
    }
    expect(await run(world, process)).toMatchObject({ outcome: 'succeeded' })
    expect(stockTypes(world)).toHaveLength(1_001)
    for (const { direction, from } of reads) {
      expect(direction).toBe('forwards')
      expect(from).toBeGreaterThanOrEqual(1_000n)
    }
    expect(reads.length).toBeGreaterThan(0)
  })

  test('another process that writes to it meanwhile: a conflict, decided again', async () => {
    const world = worldOf(ordering('succeeds'))
    const process = world.start()
    process.store.faults.beforeNextAppend(() => undefined)
    process.store.faults.beforeNextAppend(({ stream }) => {
      expect(stream).toBe('inventory-abc')
      world.log.append(stream, [{ id: 'rival', type: 'Reserved', data: { n: 4 }, metadata: { step_key: 'x' } }], 4n)
      return undefined
    })
    expect(await run(world, process)).toMatchObject({ outcome: 'rejected' })
    expect(left(world)).toBe(1)
  })

  test.each([1, 3])(
    'a try of %i that runs out of time while it appends: once, and put back if it is given up',
    async (attempts) => {
      const world = worldOf(ordering('succeeds'), 5, { retry: { ...quick, attempts } })
      const process = world.start()
      process.store.faults.beforeNextAppend(() => undefined)
      let stalled = true
      process.store.faults.beforeNextAppend(async () => {
        // The store stalls for longer than the try may take.
        while (stalled) await world.clock.sleep(100)
        return undefined
      })
      const { resolution } = process.dispatch()
      await world.clock.advance(1_500)
      stalled = false
      await world.clock.runUntilIdle()
      expect(await resolution).toMatchObject({ outcome: attempts === 1 ? 'failed' : 'succeeded' })
      expect(stockTypes(world).slice(5)).toEqual(attempts === 1 ? ['Reserved', 'Released'] : ['Reserved'])
      if (attempts === 1) expect(eventsOf(process).at(-1)?.data).not.toHaveProperty('compensation')
    },
  )

  test('a process that takes over gives up before the step: what the sleeping one appends later is nothing', async () => {
    let broken = false
    const world = worldOf(async (input, ctx) => {
      if (broken) throw new Error('before the first step')
      return ordering('succeeds')(input, ctx)
    })
    const sleeper = world.start()
    sleeper.store.faults.beforeNextAppend(() => undefined)
    const hold = Promise.withResolvers<undefined>()
    sleeper.store.faults.beforeNextAppend(() => hold.promise)
    const { resolution } = sleeper.dispatch()
    await world.clock.settle()
    broken = true
    const other = world.start()
    const recorded = other.dispatch().resolution
    // It fails as often as it may; then the walk to what there is to undo comes to the step.
    while (typesOf(other).at(-1) !== 'CompensationStarted') await world.clock.advance(1)
    broken = false
    await world.clock.advance(100)
    expect(await recorded).toMatchObject({ outcome: 'failed' })
    hold.resolve(undefined)
    await world.clock.runUntilIdle()
    expect(await resolution).toEqual(await recorded)
    expect(left(world)).toBe(5)
    expect(stockTypes(world).slice(5)).toEqual(['StepDecidedWithoutEvents'])
  })

  test.each(['the sleeping one', 'the other'] as const)(
    'one was told "no", another goes on with the step when there is stock again: %s records first, that counts',
    async (first) => {
      const world = worldOf(ordering('succeeds'), 1)
      const [sleeper, other] = [world.start(), world.start()]
      // Its "no" is decided, but not recorded yet.
      const hold = Promise.withResolvers<undefined>()
      sleeper.store.faults.beforeNextAppend(() => undefined)
      sleeper.store.faults.beforeNextAppend(() => hold.promise)
      const late = sleeper.dispatch().resolution
      await world.clock.settle()
      expect(typesOf(other)).toEqual(['CommandAccepted', 'StepStarted'])
      world.log.append('inventory-abc', [{ id: 'more', type: 'Added', data: { n: 5 }, metadata: {} }], 0n)
      if (first === 'the sleeping one') {
        other.store.faults.beforeNextAppend(async () => {
          hold.resolve(undefined)
          await late
          return undefined
        })
      }
      const resolution = await run(world, other)
      hold.resolve(undefined)
      await world.clock.runUntilIdle()
      expect(await late).toEqual(resolution)
      const rejected = first === 'the sleeping one'
      expect(resolution).toMatchObject({ outcome: rejected ? 'rejected' : 'succeeded' })
      expect(left(world)).toBe(rejected ? 6 : 4)
    },
  )

  test('an undo that the aggregate refuses: the compensation is incomplete, and says so', async () => {
    const world = worldOf(async (_input, ctx) => {
      await ctx.execute(inventory, 'abc', {
        command: { type: 'reserve', n: 2 },
        undo: () => ({ type: 'reserve', n: 9 }),
      })
      return ctx.refuse('test-refused', 'No.')
    })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ outcome: 'failed' })
    expect(eventsOf(process).at(-1)?.data).toMatchObject({ compensation: 'incomplete', not_undone: ['inventory-abc'] })
    expect(left(world)).toBe(3)
  })

  test('a store that is slow in an undo: it is waited for', async () => {
    const world = worldOf(ordering('refuses'))
    const process = world.start()
    for (let each = 0; each < 4; each++) process.store.faults.beforeNextAppend(() => undefined)
    process.store.faults.beforeNextAppend(() => world.clock.sleep(120_000).then(() => undefined))
    expect(await run(world, process)).toMatchObject({ outcome: 'rejected' })
    expect(left(world)).toBe(5)
  })
})
