import { createWorld, testCommand, type TestProcess } from '@holdfast/testing/command-process'
import type { AppendFault } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import { TransportError, type Resolution } from '../ports/command-transport.ts'
import { EventStoreError, type AppendResult, type EventStore, type ExpectedRevision } from '../ports/event-store.ts'
import { CommandHandler } from './command-handler.ts'

const make = testCommand((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id } }))
const bodyOf = (resolution: Resolution): string =>
  resolution.kind === 'outcome' ? resolution.response.body : expect.fail(`it came to ${resolution.kind}`)
const slowWorld = (ms = 100) => {
  const command = testCommand((input, ctx) =>
    world.clock.sleep(ms).then(() => ({ type: 'Made', data: { body: input.body, id: ctx.id } })),
  )
  const world: ReturnType<typeof createWorld> = createWorld({ commands: [command] })
  return world
}
const typesOf = (process: TestProcess): string[] => process.store.log.events(process.streamOf()).map(({ type }) => type)

describe('a fault of the store at the only append', () => {
  test('unavailable: surely not written, so the attempt is given up, and a retry executes', async () => {
    const world = createWorld({ commands: [make] })
    const process = world.start()
    process.store.faults.failNextAppend('unavailable')
    await expect(process.dispatch().resolution).rejects.toMatchObject({ code: 'unavailable' })
    expect(world.log.events()).toEqual([])
    expect((await process.dispatch().resolution).kind).toBe('outcome')
    expect(process.observed.failures).toEqual([])
  })

  test.each<[AppendFault, ...AppendFault[]]>([
    ['unknown-written'],
    ['unknown-not-written'],
    ['unknown-not-written', 'unknown-not-written', 'unknown-written', 'unknown-not-written'],
    ['unknown-written', 'unknown-written', 'unknown-written', 'unknown-written', 'unknown-written'],
  ])('unknown outcome is settled by the same event ids: %j', async (...faults) => {
    const world = createWorld({ commands: [make] })
    const process = world.start()
    for (const fault of faults) process.store.faults.failNextAppend(fault)
    const dispatch = process.dispatch()
    await world.clock.runUntilIdle()
    const resolution = await dispatch.resolution
    expect(world.log.events()).toHaveLength(1)
    expect(JSON.stringify(world.log.events()[0]?.data)).toBe(bodyOf(resolution))
    expect(process.observed.decided).toHaveLength(1)
  })

  test('an outcome that stays unknown is reported as such; whatever was written, a retry resolves to it', async () => {
    for (const last of ['unknown-written', 'unknown-not-written'] as const) {
      const world = createWorld({ commands: [make] })
      const process = world.start()
      for (let time = 1; time < 6; time++) process.store.faults.failNextAppend('unknown-not-written')
      process.store.faults.failNextAppend(last)
      const { resolution } = process.dispatch()
      await world.clock.runUntilIdle()
      await expect(resolution).rejects.toMatchObject({ name: 'EventStoreError', code: 'unknown-outcome' })
      expect((await process.dispatch().resolution).kind).toBe('outcome')
      expect(world.log.events()).toHaveLength(1)
    }
  })

  test('an unknown outcome, and then a rival: a conflict, and the rival answers', async () => {
    const world = createWorld({ commands: [make] })
    const [process, rival] = [world.start(), world.start()]
    process.store.faults.failNextAppend('unknown-not-written')
    process.store.faults.beforeNextAppend(async () => {
      await rival.dispatch().resolution
      return undefined
    })
    const { resolution } = process.dispatch()
    await world.clock.runUntilIdle()
    expect(await resolution).toEqual(await rival.dispatch().resolution)
    expect(world.log.events()).toHaveLength(1)
  })

  test.each<AppendFault>(['crash-before', 'crash-after'])('%s: the next process answers', async (fault) => {
    const world = createWorld({ commands: [make] })
    const dead = world.start()
    dead.store.faults.failNextAppend(fault)
    let heard = false
    void dead.dispatch().resolution.finally(() => (heard = true))
    await world.clock.runUntilIdle()
    expect(heard).toBe(false)
    const resolution = await world.start().dispatch().resolution
    expect(world.log.events()).toHaveLength(1)
    expect(bodyOf(resolution)).toBe(JSON.stringify(world.log.events()[0]?.data))
  })

  test('a store that is down at the first read: nothing runs unprotected', async () => {
    const world = createWorld({ commands: [make] })
    const process = world.start()
    process.store.faults.down = true
    const dispatch = process.dispatch()
    await expect(dispatch.resolution).rejects.toBeInstanceOf(EventStoreError)
    await expect(dispatch.durable()).rejects.toBeInstanceOf(EventStoreError)
    expect(process.observed.decided).toEqual([])
  })
})

describe('a rival that writes first', () => {
  test('with the same request: both get the same answer', async () => {
    const world = createWorld({ commands: [make] })
    const [process, rival] = [world.start(), world.start()]
    let rivals: Resolution | undefined
    process.store.faults.beforeNextAppend(async () => {
      rivals = await rival.dispatch().resolution
      return undefined
    })
    const { resolution } = process.dispatch()
    await world.clock.runUntilIdle()
    expect(await resolution).toEqual(rivals)
    expect(world.log.events()).toHaveLength(1)
  })

  test('with another request: the key is in use', async () => {
    const world = createWorld({ commands: [make] })
    const [process, rival] = [world.start(), world.start()]
    process.store.faults.beforeNextAppend(async () => {
      await rival.dispatch({ body: 'b' }).resolution
      return undefined
    })
    const { resolution } = process.dispatch()
    await world.clock.runUntilIdle()
    expect(await resolution).toEqual({ kind: 'reused' })
    expect(world.log.events()).toHaveLength(1)
  })

  test('with an acceptance only, and dies: the key goes on here', async () => {
    const world = slowWorld()
    const [process, rival] = [world.start(), world.start()]
    process.store.faults.beforeNextAppend(async () => {
      await rival.dispatch().durable()
      rival.store.faults.crash()
      return undefined
    })
    const { resolution } = process.dispatch()
    await world.clock.runUntilIdle()
    const { id } = JSON.parse(bodyOf(await resolution)) as { id: string }
    expect(world.log.events()[0]?.metadata['attemptId']).toBe(id)
    expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
  })
})

describe('a zombie', () => {
  test('that wakes after another process has finished its command gets that outcome', async () => {
    const world = slowWorld()
    const [zombie, other] = [world.start(), world.start()]
    const asleep = zombie.dispatch()
    await asleep.durable()
    const wake = zombie.store.faults.holdAppends()
    await world.clock.advance(100)
    expect(zombie.store.faults.held).toBe(1)
    const retry = other.dispatch()
    await world.clock.advance(100)
    const outcome = await retry.resolution
    wake()
    await world.clock.runUntilIdle()
    expect(await asleep.resolution).toEqual(outcome)
    expect(typesOf(zombie)).toEqual(['CommandAccepted', 'Made'])
    // It observed no decision: only one was made.
    expect([zombie.observed.decided, other.observed.decided.length]).toEqual([[], 1])
  })

  test('that wakes in the next generation does not disturb it', async () => {
    const world = slowWorld()
    const [zombie, other] = [world.start(), world.start()]
    const asleep = zombie.dispatch()
    const wake = zombie.store.faults.holdAppends()
    await world.clock.advance(100)
    const first = other.dispatch()
    await world.clock.advance(100)
    await first.resolution
    await world.clock.advance(86_400_000)
    const second = other.dispatch({ body: 'b' })
    await world.clock.advance(100)
    expect(await second.resolution).toMatchObject({ generation: 2 })
    wake()
    await world.clock.runUntilIdle()
    // Its own command was decided by another process, a day ago, and the key means something else now.
    expect(await asleep.resolution).toEqual({ kind: 'reused' })
    expect(typesOf(zombie)).toEqual(['Made', 'Made'])
  })
})

describe('an acknowledged command is never lost', () => {
  test('when the store goes down after the acceptance, the key goes on when it is back', async () => {
    const world = slowWorld()
    const process = world.start()
    const dispatch = process.dispatch()
    await dispatch.durable()
    process.store.faults.down = true
    await world.clock.advance(60_000)
    process.store.faults.down = false
    await world.clock.runUntilIdle()
    expect((await dispatch.resolution).kind).toBe('outcome')
    expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
    expect(process.observed.failures).toEqual([])
  })

  test('while it is down, it is asked again at growing intervals of at most five seconds', async () => {
    const world = slowWorld()
    const process = world.start()
    const dispatch = process.dispatch()
    await dispatch.durable()
    process.store.faults.down = true
    await world.clock.advance(600_000)
    expect(world.clock.pending).toBeGreaterThan(0)
    process.store.faults.down = false
    const askedAgainMs = await world.clock.runUntilIdle()
    expect(askedAgainMs).toBeLessThanOrEqual(5_000 + 100 + 1)
    await dispatch.resolution
  })
})

/** A store whose stream has lost its events, and remembers its revision: what EventStoreDB does after `$maxAge`. */
function withHistoryLost(store: EventStore, revision: bigint): EventStore & { readonly expected: ExpectedRevision[] } {
  const expected: ExpectedRevision[] = []
  return {
    ...store,
    expected,
    read: async () => [],
    append: async (_stream, events, expectedRevision): Promise<AppendResult> => {
      expected.push(expectedRevision)
      return expectedRevision === revision
        ? { kind: 'appended', revision: revision + BigInt(events.length), position: 1n }
        : { kind: 'conflict', actual: revision }
    },
  }
}

describe('a stream that reads empty and is not', () => {
  const world = createWorld({ commands: [make] })
  const handlerOn = (store: EventStore): CommandHandler =>
    new CommandHandler({ ...world, store, clock: world.clock, graceMs: 0, observer: {} })

  test('the append follows the revision that the conflict tells', async () => {
    const process = world.start()
    const store = withHistoryLost(process.store, 7n)
    const { resolution } = handlerOn(store).dispatch(process.envelope())
    await world.clock.runUntilIdle()
    expect((await resolution).kind).toBe('outcome')
    expect(store.expected).toEqual(['no_stream', 7n])
  })

  test('a revision that never fits is given up in the end', async () => {
    const process = world.start()
    let revision = 0n
    const append: EventStore['append'] = async () => ({ kind: 'conflict', actual: ++revision })
    const { resolution } = handlerOn({ ...process.store, read: async () => [], append }).dispatch(process.envelope())
    await world.clock.runUntilIdle()
    await expect(resolution).rejects.toThrow(TransportError)
    expect(revision).toBe(50n)
  })
})
