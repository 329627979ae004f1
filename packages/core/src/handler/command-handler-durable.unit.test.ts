import { createWorld, testCommand, type TestProcess, type World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { TransportError, type Dispatch } from '../ports/command-transport.ts'

const typesOf = (process: TestProcess): string[] => process.store.log.events(process.streamOf()).map(({ type }) => type)
const slowWorld = (ms = 1_000, maxEventBytes = 1_048_576, size = 1): World => {
  const command = testCommand((input, ctx) =>
    world.clock
      .sleep(ms)
      .then(() => ({ type: 'Made', data: { body: input.body, id: ctx.id, filler: 'x'.repeat(size) } })),
  )
  const world: World = createWorld({ commands: [command], maxEventBytes })
  return world
}
/** What has become of a promise once everything that can run has run. */
async function fateOf(world: World, work: Promise<unknown>): Promise<string> {
  let fate = 'open'
  work.then(
    () => (fate = 'done'),
    (error: unknown) => (fate = (error as { code: string }).code),
  )
  await world.clock.settle()
  return fate
}

describe('durable', () => {
  test('before the outcome records the acceptance, once, and the outcome follows it', async () => {
    const world = slowWorld()
    const process = world.start()
    const dispatch = process.dispatch()
    await Promise.all([dispatch.durable(), dispatch.durable()])
    await dispatch.durable()
    expect(typesOf(process)).toEqual(['CommandAccepted'])
    await world.clock.runUntilIdle()
    expect((await dispatch.resolution).kind).toBe('outcome')
    expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
    const [accepted, made] = world.log.events()
    expect(accepted?.metadata['envelope']).toBeDefined()
    expect(made?.metadata['envelope']).toBeUndefined()
  })

  test('is not asked for: there is no acceptance', async () => {
    const world = slowWorld()
    const process = world.start()
    const dispatch = process.dispatch()
    await world.clock.runUntilIdle()
    await dispatch.resolution
    await dispatch.durable()
    expect(typesOf(process)).toEqual(['Made'])
  })

  test('while the outcome is being written waits for that', async () => {
    const world = slowWorld()
    const process = world.start()
    const dispatch = process.dispatch()
    const release = process.store.faults.holdAppends()
    await world.clock.advance(1_000)
    const durable = dispatch.durable()
    expect(await fateOf(world, durable)).toBe('open')
    release()
    expect(await fateOf(world, durable)).toBe('done')
    expect(typesOf(process)).toEqual(['Made'])
  })

  test('while the outcome is being written fails as that does: no acceptance is left that nobody works on', async () => {
    const world = slowWorld(100)
    const process = world.start()
    const dispatch = process.dispatch()
    process.store.faults.failNextAppend('unavailable')
    const release = process.store.faults.holdAppends()
    await world.clock.advance(100)
    const durable = dispatch.durable()
    await world.clock.settle()
    release()
    expect(await fateOf(world, durable)).toBe('unavailable')
    await world.clock.runUntilIdle()
    await expect(dispatch.resolution).rejects.toMatchObject({ code: 'unavailable' })
    expect(typesOf(process)).toEqual([])
  })

  test('an acceptance that is being written goes in before the outcome', async () => {
    const world = slowWorld(100)
    const process = world.start()
    const dispatch = process.dispatch()
    await world.clock.settle()
    const release = process.store.faults.holdAppends()
    const durable = dispatch.durable()
    await world.clock.advance(100)
    expect(process.store.faults.held).toBe(1)
    release()
    await durable
    await dispatch.resolution
    expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
  })

  test('of a replay, or of a refusal, asks for nothing', async () => {
    const world = slowWorld()
    const process = world.start()
    const first = process.dispatch()
    await world.clock.runUntilIdle()
    await first.resolution
    await process.dispatch().durable()
    await process.dispatch({ body: 'b' }).durable()
    expect(typesOf(process)).toEqual(['Made'])
  })

  test.each(['unavailable', 'down'] as const)(
    'rejects when the store is away (%s), and can be asked again',
    async (how) => {
      const world = slowWorld()
      const process = world.start()
      const dispatch = process.dispatch()
      await world.clock.settle()
      if (how === 'down') process.store.faults.down = true
      else process.store.faults.failNextAppend('unavailable')
      expect(await fateOf(world, dispatch.durable())).toBe('unavailable')
      expect(typesOf(process)).toEqual([])
      process.store.faults.down = false
      expect(await fateOf(world, dispatch.durable())).toBe('done')
      expect(typesOf(process)).toEqual(['CommandAccepted'])
      await world.clock.runUntilIdle()
      expect((await dispatch.resolution).kind).toBe('outcome')
    },
  )

  test('an acceptance of unknown outcome is settled before the outcome is written', async () => {
    for (const fault of ['unknown-written', 'unknown-not-written'] as const) {
      const world = slowWorld(100)
      const process = world.start()
      const dispatch = process.dispatch()
      process.store.faults.failNextAppend(fault)
      const durable = dispatch.durable()
      await world.clock.runUntilIdle()
      await durable
      expect((await dispatch.resolution).kind).toBe('outcome')
      expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
    }
  })

  test('behind another execution of the same request is that one’s', async () => {
    const world = slowWorld()
    const process = world.start()
    const [first, second, third] = [process.dispatch(), process.dispatch(), process.dispatch()]
    expect(await fateOf(world, third.durable())).toBe('done')
    expect(typesOf(process)).toEqual(['CommandAccepted'])
    await world.clock.runUntilIdle()
    expect(await third.resolution).toEqual(await first.resolution)
    expect(await second.resolution).toEqual(await first.resolution)
  })

  test('behind an execution of another request says nothing: nothing of it is durable', async () => {
    const world = slowWorld()
    const process = world.start()
    const [first, wrong] = [process.dispatch(), process.dispatch({ body: 'b' })]
    expect(await fateOf(world, wrong.durable())).toBe('open')
    expect(typesOf(process)).toEqual([])
    await world.clock.runUntilIdle()
    expect(await wrong.resolution).toEqual({ kind: 'reused' })
    await first.resolution
  })

  test('when another process has accepted the same request first, it is that one’s', async () => {
    const world = slowWorld(100)
    const [one, other] = [world.start(), world.start()]
    const dispatch = one.dispatch()
    await world.clock.settle()
    await other.dispatch().durable()
    const durable = dispatch.durable()
    await world.clock.runUntilIdle()
    await durable
    expect((await dispatch.resolution).kind).toBe('outcome')
    expect(typesOf(one)).toEqual(['CommandAccepted', 'Made'])
  })
})

describe('what is too large for the store', () => {
  test('an outcome, with nothing durable yet: nothing is recorded, and the key is free', async () => {
    const world = slowWorld(100, 2_000, 3_000)
    const process = world.start()
    const dispatch = process.dispatch()
    await world.clock.runUntilIdle()
    expect(await dispatch.resolution).toEqual({ kind: 'too-large' })
    expect(typesOf(process)).toEqual([])
    expect(process.observed).toEqual({ failures: [], decided: [] })
  })

  test('an outcome, when the acceptance is asked for too late: still nothing is recorded', async () => {
    const world = slowWorld(100, 2_000, 3_000)
    const process = world.start()
    const dispatch = process.dispatch()
    const release = process.store.faults.holdAppends()
    await world.clock.advance(100)
    const durable = dispatch.durable()
    expect(await fateOf(world, durable)).toBe('open')
    release()
    expect(await fateOf(world, durable)).toBe('event-too-large')
    expect(await dispatch.resolution).toEqual({ kind: 'too-large' })
    await world.clock.runUntilIdle()
    expect(typesOf(process)).toEqual([])
  })

  test('an outcome of an accepted command: it has failed, and that is recorded', async () => {
    const world = slowWorld(100, 2_000, 3_000)
    const process = world.start()
    const dispatch = process.dispatch()
    await dispatch.durable()
    await world.clock.runUntilIdle()
    expect(await dispatch.resolution).toMatchObject({ kind: 'outcome', outcome: 'failed', response: { status: 500 } })
    expect(typesOf(process)).toEqual(['CommandAccepted', 'CommandFailed'])
    expect(world.log.events().at(-1)?.data['reason']).toMatch(/larger than the store accepts/)
  })

  test('an acceptance: it cannot be durable, and the outcome says why', async () => {
    const world = slowWorld(100, 2_000)
    const process = world.start()
    const dispatch = process.dispatch({ body: 'x'.repeat(3_000) })
    expect(await fateOf(world, dispatch.durable())).toBe('event-too-large')
    await world.clock.runUntilIdle()
    expect(await dispatch.resolution).toEqual({ kind: 'too-large' })
    expect(typesOf(process)).toEqual([])
  })
})

describe('close', () => {
  const closeAfter = async (world: World, process: TestProcess, ms: number): Promise<void> => {
    const closed = process.handler.close()
    await world.clock.advance(ms)
    await closed
  }

  test('waits for what ends within the grace', async () => {
    const world = slowWorld(500)
    const process = world.start({ graceMs: 1_000 })
    const dispatch = process.dispatch()
    await world.clock.settle()
    await closeAfter(world, process, 500)
    expect((await dispatch.resolution).kind).toBe('outcome')
    expect(typesOf(process)).toEqual(['Made'])
    await world.clock.settle()
    expect(world.clock.pending).toBe(0)
  })

  test('makes durable what goes on for longer, lets go of it, and the next start finishes it', async () => {
    const world = slowWorld(5_000)
    const process = world.start({ graceMs: 1_000 })
    const dispatch = process.dispatch()
    await world.clock.settle()
    await closeAfter(world, process, 1_000)
    await expect(dispatch.resolution).rejects.toThrow(TransportError)
    expect(typesOf(process)).toEqual(['CommandAccepted'])
    // What it decides later is not written.
    await world.clock.runUntilIdle()
    expect(typesOf(process)).toEqual(['CommandAccepted'])
    const next = world.start()
    const recovered = next.recover()
    await world.clock.runUntilIdle()
    expect(await recovered).toMatchObject({ found: 1 })
    expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
    const accepted = world.log.events()[0]
    expect(world.log.events()[1]?.data['id']).toBe(accepted?.metadata['attemptId'])
  })

  test('fires the signal of the command that is let go', async () => {
    const signals: AbortSignal[] = []
    const command = testCommand((_input, ctx) => {
      signals.push(ctx.signal)
      return new Promise(() => undefined)
    })
    const world = createWorld({ commands: [command] })
    const process = world.start({ graceMs: 10 })
    void process.dispatch()
    await world.clock.settle()
    await closeAfter(world, process, 10)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('ends a pause between two tries: the failed try is durable already', async () => {
    const command = testCommand(
      () => {
        throw new Error('no')
      },
      { retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } },
    )
    const world = createWorld({ commands: [command] })
    const process = world.start({ graceMs: 10 })
    const dispatch = process.dispatch()
    await world.clock.settle()
    await closeAfter(world, process, 10)
    await expect(dispatch.resolution).rejects.toThrow(TransportError)
    expect(world.clock.pending).toBe(0)
    expect(typesOf(process)).toEqual(['CommandAccepted', 'AttemptFailed'])
  })

  test('lets go of all that wait for one key, the running one too', async () => {
    const world = slowWorld(60_000)
    const process = world.start({ graceMs: 10 })
    const all: Dispatch[] = [process.dispatch(), process.dispatch(), process.dispatch({ body: 'b' })]
    await world.clock.settle()
    await closeAfter(world, process, 10)
    for (const { resolution } of all) await expect(resolution).rejects.toThrow(TransportError)
    expect(typesOf(process)).toEqual(['CommandAccepted'])
    await world.clock.runUntilIdle()
    expect(typesOf(process)).toEqual(['CommandAccepted'])
  })

  test('while the state is still being read: nothing begins afterwards', async () => {
    let tries = 0
    const command = testCommand(() => {
      tries++
      return { type: 'Made', data: {} }
    })
    const world = createWorld({ commands: [command] })
    const process = world.start({ graceMs: 0 })
    const read = Promise.withResolvers<void>()
    const original = process.store.read.bind(process.store)
    Object.assign(process.store, {
      read: async (...args: Parameters<typeof original>) => {
        await read.promise
        return original(...args)
      },
    })
    const dispatch = process.dispatch()
    await closeAfter(world, process, 1)
    await expect(dispatch.resolution).rejects.toThrow(TransportError)
    read.resolve()
    await world.clock.runUntilIdle()
    expect([tries, typesOf(process)]).toEqual([0, []])
  })

  test('does not hang when the store is away', async () => {
    const world = slowWorld(60_000)
    const process = world.start({ graceMs: 10 })
    const dispatch = process.dispatch()
    await world.clock.settle()
    process.store.faults.down = true
    await closeAfter(world, process, 10)
    await expect(dispatch.resolution).rejects.toThrow(TransportError)
  })

  test('with nothing to do is done at once, also again', async () => {
    const process = slowWorld().start()
    await Promise.all([process.handler.close(), process.handler.close()])
    await process.handler.close()
  })
})
