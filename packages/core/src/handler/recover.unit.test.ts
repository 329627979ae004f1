import { createWorld, testCommand, type TestProcess, type World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { EventStore } from '../ports/event-store.ts'
import { recoverAccepted } from './recover.ts'

/** A command that runs for the milliseconds in its body; `never` does not end. */
function slowWorld(): World {
  const command = testCommand(
    ({ body }) =>
      body === 'never'
        ? new Promise(() => undefined)
        : world.clock.sleep(Number(body)).then(() => ({ type: 'Made', data: { body } })),
    { retry: { timeoutMs: 86_400_000 } },
  )
  const world: World = createWorld({ commands: [command] })
  return world
}
const typesOf = (world: World, process: TestProcess, key: string): string[] =>
  world.log.events(process.streamOf({ key })).map(({ type }) => type)

/** Accepts one command per key in a process that dies then. */
async function accepted(world: World, bodies: Readonly<Record<string, string>>): Promise<void> {
  const process = world.start()
  for (const [key, body] of Object.entries(bodies)) await process.dispatch({ key, body }).durable()
  process.store.faults.crash()
}

describe('every accepted key resolves', () => {
  test('nobody has to retry: what was accepted is finished, as the attempt that it was', async () => {
    const world = slowWorld()
    await accepted(world, { k1: '100', k2: '200' })
    const process = world.start()
    const recovered = process.recover()
    await world.clock.runUntilIdle()
    expect(await recovered).toMatchObject({ found: 2 })
    for (const key of ['k1', 'k2']) expect(typesOf(world, process, key)).toEqual(['CommandAccepted', 'Made'])
    const [first] = world.log.events(process.streamOf({ key: 'k1' }))
    const retry = await process.dispatch({ key: 'k1', body: '100' }).resolution
    expect(retry.kind === 'outcome' && retry.attemptId).toBe(first?.metadata['attemptId'])
  })

  test('what is resolved, pure or of other streams is left alone', async () => {
    const world = slowWorld()
    const process = world.start()
    const done = process.dispatch({ key: 'k1', body: '10' })
    await done.durable()
    await world.clock.runUntilIdle()
    const pure = process.dispatch({ key: 'k2', body: '0' })
    await world.clock.runUntilIdle()
    await pure.resolution
    const alien = { id: 'x', type: 'CommandAccepted', data: {}, metadata: {} }
    await process.store.append('command-not-a-key', [alien], 'no_stream')
    await process.store.append('other', [{ ...alien, id: 'y' }], 'no_stream')
    const before = world.log.events().length
    expect(await world.start().recover()).toMatchObject({ found: 0 })
    expect(world.log.events()).toHaveLength(before)
  })

  test('a retry that comes meanwhile attaches', async () => {
    const world = slowWorld()
    await accepted(world, { k: '100' })
    const process = world.start()
    const recovered = process.recover()
    await world.clock.settle()
    const retry = process.submit({ body: '100' })
    await world.clock.runUntilIdle()
    await recovered
    expect((await retry).kind).toBe('response')
    expect(typesOf(world, process, 'k')).toEqual(['CommandAccepted', 'Made'])
  })

  test('a later generation is found as well as the first', async () => {
    const world = slowWorld()
    const process = world.start()
    const first = process.dispatch({ body: '10' })
    await first.durable()
    await world.clock.runUntilIdle()
    await world.clock.advance(86_400_000)
    await process.dispatch({ body: '20' }).durable()
    process.store.faults.crash()
    const next = world.start()
    const recovered = next.recover()
    await world.clock.runUntilIdle()
    await recovered
    expect(typesOf(world, next, 'k')).toEqual(['CommandAccepted', 'Made', 'CommandAccepted', 'Made'])
  })

  test('one that is given up now is found again at the next start', async () => {
    const world = slowWorld()
    await accepted(world, { k1: '100', k2: '100' })
    const process = world.start()
    process.store.faults.beforeNextAppend(() => 'crash-before')
    void process.recover()
    await world.clock.runUntilIdle()
    const next = world.start()
    const recovered = next.recover()
    await world.clock.runUntilIdle()
    await recovered
    for (const key of ['k1', 'k2']) expect(typesOf(world, next, key)).toEqual(['CommandAccepted', 'Made'])
  })

  test('a stream that cannot be read does not hold up the others, and is reported', async () => {
    const world = slowWorld()
    const process = world.start()
    const poison = process.streamOf({ key: 'poison' })
    await process.store.append(poison, [{ id: 'x', type: 'CommandAccepted', data: {}, metadata: {} }], 'no_stream')
    await accepted(world, { k: '100' })
    const recovered = process.recover()
    await world.clock.runUntilIdle()
    expect(await recovered).toEqual({ found: 1, unreadable: [poison] })
    expect(typesOf(world, process, 'k')).toEqual(['CommandAccepted', 'Made'])
    expect(await world.start().recover()).toEqual({ found: 0, unreadable: [poison] })
  })
})

describe('the lease', () => {
  const leaseMs = 60_000
  const recoverWithin = (world: World, process: TestProcess) =>
    recoverAccepted({
      ...{ store: process.store, checkpoints: process.store, transport: process.handler },
      ...{ signal: new AbortController().signal, idleSinceMs: world.clock.nowMs() - leaseMs },
    })

  test('what somebody wrote to within it is left to him, and taken over when it has run out', async () => {
    const world = slowWorld()
    await accepted(world, { k: '100' })
    const process = world.start()
    for (let ms = 0; ms < leaseMs; ms += 10_000) {
      expect(await recoverWithin(world, process)).toMatchObject({ found: 0 })
      await world.clock.advance(10_000)
    }
    const recovered = recoverWithin(world, process)
    await world.clock.runUntilIdle()
    expect(await recovered).toMatchObject({ found: 1 })
    expect(typesOf(world, process, 'k')).toEqual(['CommandAccepted', 'Made'])
  })

  test('each write renews it: a command that is tried again and again stays where it is', async () => {
    let tries = 0
    const failing = testCommand(
      () => {
        tries++
        throw new Error('not yet')
      },
      { retry: { attempts: 6, initialDelayMs: leaseMs - 10_000, maxDelayMs: leaseMs - 10_000 } },
    )
    const world: World = createWorld({ commands: [failing] })
    const [owner, other] = [world.start(), world.start()]
    const { resolution } = owner.dispatch({ key: 'k' })
    for (let ms = 0; ms < 10 * leaseMs; ms += 5_000) {
      expect(await recoverWithin(world, other)).toMatchObject({ found: 0 })
      await world.clock.advance(5_000)
    }
    expect(await resolution).toMatchObject({ outcome: 'failed' })
    expect(tries).toBe(6)
  })
})

describe('its checkpoint', () => {
  const checkpointOf = (world: World): bigint | undefined => world.log.checkpoints.get('recover')
  const lastPosition = (world: World): bigint | undefined => world.log.events().at(-1)?.position

  test('moves to the end when all before it is resolved', async () => {
    const world = slowWorld()
    const process = world.start()
    void process.dispatch({ body: '10' }).durable()
    await world.clock.runUntilIdle()
    await process.recover()
    expect(checkpointOf(world)).toBe(lastPosition(world))
  })

  test('stays before the first one that was open, however many behind it are resolved', async () => {
    const world = slowWorld()
    await accepted(world, { k1: '10' })
    const process = world.start()
    const first = process.recover()
    await world.clock.runUntilIdle()
    await first
    await process.recover()
    const before = lastPosition(world) ?? -1n
    expect(checkpointOf(world)).toBe(before)
    await accepted(world, { open: '100', k2: '10' })
    const next = world.start()
    const recovered = next.recover()
    await world.clock.runUntilIdle()
    expect(await recovered).toMatchObject({ found: 2 })
    expect(checkpointOf(world)).toBe(before)
    // All are resolved now, and the next start moves on.
    expect(await world.start().recover()).toMatchObject({ found: 0 })
    expect(checkpointOf(world)).toBe(lastPosition(world))
  })

  test('is not moved past one that was given up', async () => {
    const world = slowWorld()
    await accepted(world, { open: 'never', k: '10' })
    const process = world.start({ graceMs: 0 })
    const recovered = process.recover()
    await world.clock.advance(1_000)
    const closed = process.handler.close()
    await world.clock.advance(1)
    await closed
    expect(await recovered).toMatchObject({ found: 2 })
    expect(checkpointOf(world)).toBeUndefined()
    void world.start().recover()
    await world.clock.settle()
    expect(await world.start().dispatch({ key: 'k', body: '10' }).resolution).toMatchObject({ kind: 'outcome' })
  })

  test('makes the next start read on from there', async () => {
    const world = slowWorld()
    const process = world.start()
    for (let n = 0; n < 20; n++) void process.dispatch({ key: `k${n}`, body: '1' }).durable()
    await world.clock.runUntilIdle()
    await process.recover()
    const next = world.start()
    let read = 0
    const original = next.store.read.bind(next.store)
    Object.assign(next.store, {
      read: (...args: Parameters<typeof original>) => {
        read++
        return original(...args)
      },
    })
    await next.recover()
    expect(read).toBe(0)
  })
})

describe('an outcome that came late', () => {
  const lateAfterMs = 30_000
  /** Accepted, finished `afterMs` later by a process that is gone; what the next look dispatches, and how that ends. */
  async function lookAfter(afterMs: number, reaches: () => boolean): Promise<() => Promise<readonly string[]>> {
    const world = slowWorld()
    await accepted(world, { k: String(afterMs) })
    const dead = world.start()
    void dead.recover()
    await world.clock.runUntilIdle()
    const { store, handler } = world.start()
    return async () => {
      const dispatched: string[] = []
      const look = recoverAccepted({
        ...{ store, checkpoints: store, signal: new AbortController().signal, lateAfterMs },
        transport: {
          ready: () => true,
          close: async () => undefined,
          dispatch: (envelope) => {
            dispatched.push(envelope.attemptId)
            const dispatch = handler.dispatch(envelope)
            const resolution = dispatch.resolution.then((each) =>
              reaches() ? each : Promise.reject(new Error('lost')),
            )
            return { ...dispatch, resolution, durable: () => dispatch.durable(), attempts: () => 1 }
          },
        },
      })
      await world.clock.runUntilIdle()
      expect(await look).toEqual({ found: 0, unreadable: [] })
      return dispatched
    }
  }

  test('is dispatched again as the attempt that it was, until that comes to its end; then no more', async () => {
    let reaches = false
    const look = await lookAfter(lateAfterMs, () => reaches)
    expect(await look()).toHaveLength(1)
    const again = await look()
    expect(again).toHaveLength(1)
    reaches = true
    expect(await look()).toEqual(again)
    expect(await look()).toEqual([])
  })

  test('one that came in time is left alone', async () => {
    const look = await lookAfter(lateAfterMs - 1, () => true)
    expect(await look()).toEqual([])
  })
})

describe('its bounds', () => {
  test('no more than the given number of commands run at one time', async () => {
    let [running, most] = [0, 0]
    const command = testCommand(async () => {
      most = Math.max(most, ++running)
      await world.clock.sleep(100)
      running--
      return { type: 'Made', data: {} }
    })
    const world: World = createWorld({ commands: [command] })
    await accepted(world, Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, ''])))
    running = most = 0
    const { store, handler: transport } = world.start()
    const signal = new AbortController().signal
    const recovered = recoverAccepted({ store, checkpoints: store, transport, signal, concurrency: 3 })
    await world.clock.runUntilIdle()
    expect(await recovered).toMatchObject({ found: 20 })
    expect(most).toBe(3)
  })

  test('where the store tells the last event at once, no stream that has its outcome is read', async () => {
    const world = slowWorld()
    const process = world.start()
    for (let n = 0; n < 100; n++) await process.dispatch({ key: `k${n}`, body: '1' }).durable()
    await process.dispatch({ key: 'open', body: '5000' }).durable()
    await world.clock.advance(10)
    process.store.faults.crash()
    const { store, handler: transport } = world.start()
    const read: string[] = []
    const telling: EventStore = {
      maxEventBytes: store.maxEventBytes,
      last: (stream) => world.log.events(stream).at(-1),
      read: (stream, options) => {
        read.push(stream)
        return store.read(stream, options)
      },
      subscribe: (options) => store.subscribe(options),
      append: (...append) => store.append(...append),
      truncate: (...truncation) => store.truncate(...truncation),
      checkWritable: () => store.checkWritable(),
      close: () => store.close(),
    }
    const signal = new AbortController().signal
    const recovered = recoverAccepted({ store: telling, checkpoints: store, transport, signal })
    await world.clock.runUntilIdle()
    expect(await recovered).toMatchObject({ found: 1 })
    expect(read).toEqual([process.streamOf({ key: 'open' })])
  })

  test('ends when the signal fires, and leaves the checkpoint where it was', async () => {
    const world = slowWorld()
    await accepted(world, { k: '10' })
    const { store, handler: transport } = world.start()
    const recovered = await recoverAccepted({ store, checkpoints: store, transport, signal: AbortSignal.abort() })
    expect(recovered).toMatchObject({ found: 0 })
    expect(await store.load('recover')).toBeUndefined()
  })

  test('a store that is away fails it: the caller tries again', async () => {
    const world = slowWorld()
    await accepted(world, { k: '10' })
    const process = world.start()
    process.store.faults.down = true
    await expect(process.recover()).rejects.toMatchObject({ code: 'unavailable' })
  })
})
