import {
  createWorld,
  testCommand,
  type ProcessOptions,
  type TestCommandOptions,
  type TestProcess,
  type World,
  type WorldOptions,
} from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { releaseKey } from '../key-state/release.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import { eventDigest } from './event-digest.ts'
import { removeHistory } from './remove-history.ts'
import { sweepHistory, type SweptHistory } from './history-sweep.ts'

const retentionMs = 1_000
const historyRetentionMs = 5_000
const dueMs = retentionMs + historyRetentionMs

const command = (options: TestCommandOptions = {}) =>
  testCommand((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id } }), {
    retentionMs,
    historyRetentionMs,
    ...options,
  })
const worldOf = (options: TestCommandOptions = {}, world: Partial<WorldOptions> = {}): World =>
  createWorld({ commands: [command(options)], ...world })

/** A sweep by a process of its own. */
const sweep = (world: World, { process, skewMs = 0 }: ProcessOptions & { readonly process?: TestProcess } = {}) =>
  sweepHistory({
    app: world.app,
    store: (process ?? world.start()).store,
    checkpoints: world.start().store,
    clock: world.clock.skewed(skewMs),
    ids: world.ids,
    clockSkewMs: world.clockSkewMs,
    signal: new AbortController().signal,
  })
const eventsOf = (world: World, key = 'k'): readonly RecordedEvent[] =>
  world.log.events(world.start().streamOf({ key }))
const typesOf = (world: World, key = 'k'): readonly string[] => eventsOf(world, key).map(({ type }) => type)
const nothing: SweptHistory = { removed: 0, tooLarge: [] }

describe('the history of a key', () => {
  test('is kept for ever unless the command says otherwise', async () => {
    const world = createWorld({ commands: [testCommand(() => ({ type: 'Made', data: {} }), { retentionMs })] })
    await world.start().dispatch().resolution
    await world.clock.advance(1_000 * 365 * 86_400_000)
    expect(await sweep(world)).toEqual(nothing)
    expect(typesOf(world)).toEqual(['Made'])
  })

  test('is removed when the key has been expired for long enough, not before', async () => {
    const world = worldOf()
    await world.start().dispatch().resolution
    await world.clock.advance(dueMs - 1)
    expect(await sweep(world)).toEqual(nothing)
    expect(typesOf(world)).toEqual(['Made'])
    await world.clock.advance(1)
    expect(await sweep(world)).toEqual({ removed: 1, tooLarge: [] })
    expect(typesOf(world)).toEqual(['HistoryRemoved'])
    expect(await sweep(world)).toEqual(nothing)
  })

  test('is named, event by event, by what is left', async () => {
    const world = worldOf()
    const process = world.start()
    void process.dispatch().durable()
    await world.clock.settle()
    const before = eventsOf(world)
    await world.clock.advance(dueMs)
    await sweep(world)
    const [left, ...others] = eventsOf(world)
    expect(others).toEqual([])
    expect(left).toMatchObject({
      revision: BigInt(before.length),
      data: { removed: before.map((event) => [String(event.position), eventDigest(event)]) },
      metadata: { generation: 1, attemptId: before[0]?.metadata['attemptId'] },
    })
    expect(JSON.stringify(left?.data)).not.toContain('"body"')
  })

  test.each([
    { case: 'the sweeping process is ahead', sweeperMs: 400, handlerMs: 0, storeSkewMs: 0 },
    { case: 'the handler was ahead', sweeperMs: 0, handlerMs: 400, storeSkewMs: 0 },
    { case: 'the store was ahead, the handler behind', sweeperMs: 400, handlerMs: -400, storeSkewMs: 400 },
    { case: 'the store was behind', sweeperMs: 400, handlerMs: 0, storeSkewMs: -400 },
  ])('is never removed early: $case', async ({ sweeperMs, handlerMs, storeSkewMs }) => {
    const world = worldOf({}, { clockSkewMs: 800, storeSkewMs })
    await world.start({ skewMs: handlerMs }).dispatch().resolution
    for (let ms = 0; ms < dueMs; ms += 200) {
      expect(await sweep(world, { skewMs: sweeperMs })).toEqual(nothing)
      // The sweep does not even look at young ones; who looks comes to the same.
      const process = world.start()
      const deps = { ...world, store: process.store, clock: world.clock.skewed(sweeperMs) }
      const request = { stream: process.streamOf(), generation: 1, historyRetentionMs }
      expect(await removeHistory(deps, request)).toBe('due-later')
      await world.clock.advance(200)
    }
    await world.clock.advance(3 * 800)
    expect(await sweep(world, { skewMs: sweeperMs })).toEqual({ removed: 1, tooLarge: [] })
  })

  test('stays as long as the key is used', async () => {
    const world = worldOf()
    const process = world.start()
    await process.dispatch().resolution
    for (let generation = 2; generation < 6; generation++) {
      await world.clock.advance(dueMs - 1)
      await sweep(world)
      expect(await process.dispatch().resolution).toMatchObject({ generation })
    }
    expect(typesOf(world)).toEqual(Array.from({ length: 5 }, () => 'Made'))
    await world.clock.advance(dueMs)
    await sweep(world)
    expect(typesOf(world)).toEqual(['HistoryRemoved'])
  })

  test('stays while its command runs, however long, and others are removed meanwhile', async () => {
    const world = createWorld({
      commands: [
        testCommand(
          async ({ body }) => {
            if (body !== 'a') await world.clock.sleep(Number(body))
            return { type: 'Made', data: {} }
          },
          { retentionMs, historyRetentionMs, retry: { timeoutMs: 86_400_000 } },
        ),
      ],
    })
    const process = world.start()
    void process.dispatch({ key: 'slow', body: String(10 * dueMs) }).durable()
    await world.clock.settle()
    await process.dispatch({ key: 'fast' }).resolution
    await world.clock.advance(dueMs)
    await sweep(world)
    expect(typesOf(world, 'slow')).toEqual(['CommandAccepted'])
    expect(typesOf(world, 'fast')).toEqual(['HistoryRemoved'])
    await world.clock.advance(11 * dueMs)
    await sweep(world)
    expect(typesOf(world, 'slow')).toEqual(['HistoryRemoved'])
  })

  test('of a key that was released is removed as well', async () => {
    const world = worldOf()
    const process = world.start()
    const { tenant, key } = process.envelope()
    await process.dispatch().resolution
    await releaseKey(
      { store: process.store, clock: world.clock, ids: world.ids },
      { tenant, key, reason: 'r', by: 'o' },
    )
    await world.clock.advance(dueMs)
    await sweep(world)
    expect(typesOf(world)).toEqual(['HistoryRemoved'])
    expect(await process.dispatch().resolution).toMatchObject({ generation: 2 })
  })

  test('with more events than the record of their removal can name is kept, and reported', async () => {
    const world = createWorld({ commands: [command()], maxEventBytes: 1_000 })
    const process = world.start()
    for (let generation = 1; generation <= 12; generation++) {
      await process.dispatch().resolution
      await world.clock.advance(retentionMs)
    }
    await world.clock.advance(dueMs)
    expect(await sweep(world)).toEqual({ removed: 0, tooLarge: [process.streamOf()] })
    expect(typesOf(world)).toHaveLength(12)
  })
})

describe('a key whose history was removed', () => {
  const removed = async (options: TestCommandOptions = {}): Promise<World> => {
    const world = worldOf(options)
    await world.start().dispatch().resolution
    await world.clock.advance(dueMs)
    await sweep(world)
    return world
  }

  test('begins its next generation, once, whoever asks and however often', async () => {
    const world = await removed()
    const all = Array.from({ length: 20 }, () => world.start().dispatch({ body: 'b' }).resolution)
    await world.clock.runUntilIdle()
    const results = await Promise.all(all)
    expect(results[0]).toMatchObject({ kind: 'outcome', generation: 2 })
    for (const result of results) expect(result).toEqual(results[0])
    expect(typesOf(world)).toEqual(['HistoryRemoved', 'Made'])
    await world.clock.advance(dueMs)
    await sweep(world)
    expect(typesOf(world)).toEqual(['HistoryRemoved'])
  })

  test('does not execute what was received before it was free, and is delivered only now', async () => {
    const world = worldOf()
    const process = world.start()
    const envelope = process.envelope()
    await process.handler.dispatch(envelope).resolution
    await world.clock.advance(dueMs)
    await sweep(world)
    expect(await process.handler.dispatch(envelope).resolution).toEqual({ kind: 'expired' })
    expect(typesOf(world)).toEqual(['HistoryRemoved'])
  })

  test('whose command does not execute again stays expired', async () => {
    const world = await removed({ expired: 'gone' })
    expect(await world.start().dispatch().resolution).toEqual({ kind: 'expired' })
    expect(await world.start().dispatch({ body: 'b' }).resolution).toEqual({ kind: 'reused' })
    expect(typesOf(world)).toEqual(['HistoryRemoved'])
  })

  test('cannot be looked up or released', async () => {
    const world = await removed()
    const process = world.start()
    const { tenant, key } = process.envelope()
    const released = await releaseKey(
      { store: process.store, clock: world.clock, ids: world.ids },
      { tenant, key, reason: 'r', by: 'o' },
    )
    expect(released).toEqual({ kind: 'not-found' })
    expect(await process.recover()).toMatchObject({ found: 0 })
  })
})

describe('the removal', () => {
  test.each(['crash-before', 'crash-after'] as const)('is finished by the next sweep: %s', async (fault) => {
    const world = worldOf()
    await world.start().dispatch().resolution
    await world.clock.advance(dueMs)
    const dying = world.start()
    dying.store.faults.beforeNextAppend(() => fault)
    void sweep(world, { process: dying })
    await world.clock.settle()
    await sweep(world)
    expect(typesOf(world)).toEqual(['HistoryRemoved'])
  })

  test('and a new generation at the same moment: one of them wins, and nothing of the other is left', async () => {
    for (let turn = 0; turn < 8; turn++) {
      const world = worldOf()
      await world.start().dispatch().resolution
      await world.clock.advance(dueMs)
      const process = world.start()
      const sweeping = sweep(world)
      for (let at = 0; at < turn; at++) await Promise.resolve()
      const next = process.dispatch({ body: 'b' }).resolution
      await world.clock.runUntilIdle()
      expect(await next).toMatchObject({ kind: 'outcome', generation: 2 })
      await sweeping
      const types = typesOf(world)
      expect([
        ['Made', 'Made'],
        ['HistoryRemoved', 'Made'],
      ]).toContainEqual(types)
    }
  })

  test('by several processes at one time: each key once', async () => {
    const world = worldOf()
    const keys = Array.from({ length: 100 }, (_none, at) => `k${at}`)
    for (const key of keys) await world.start().dispatch({ key }).resolution
    await world.clock.advance(dueMs)
    await Promise.all([sweep(world), sweep(world), sweep(world)])
    for (const key of keys) expect(typesOf(world, key)).toEqual(['HistoryRemoved'])
  })

  test('does not read again what it has settled', async () => {
    const world = worldOf()
    for (const key of ['k1', 'k2']) await world.start().dispatch({ key }).resolution
    await world.clock.advance(dueMs)
    await sweep(world)
    await world.start().dispatch({ key: 'k3' }).resolution
    const [checkpoint] = [...world.log.checkpoints].filter(([name]) => name.startsWith('history-'))
    expect(checkpoint?.[1]).toBeGreaterThan(0n)
    await world.clock.advance(dueMs)
    await sweep(world)
    const [after] = [...world.log.checkpoints].filter(([name]) => name.startsWith('history-'))
    expect(after?.[1]).toBeGreaterThan(checkpoint?.[1] ?? 0n)
    expect(typesOf(world, 'k3')).toEqual(['HistoryRemoved'])
  })
})
