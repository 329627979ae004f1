import { randomUUID } from 'node:crypto'
import { defineProjection, systemClock, type Projection } from '@holdfast/core'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import {
  createMemoryReadData,
  openMemoryReadStore,
  type CommitFault,
  type MemoryReadStore,
} from '@holdfast/testing/memory-read-store'
import { until } from '@holdfast/testing/processes'
import { describe, expect, test, vi } from 'vitest'
import { startProjector, startProjectors, type Projector, type ProjectorState } from './projector.ts'
import { all, append, appendMany, folded, orders, sales, shopEvent, stored, total } from './test-support/shop.ts'

// Bounds a hang; measures nothing.
vi.setConfig({ testTimeout: 60_000 })

const clock = systemClock
type Events = ReturnType<typeof createMemoryEventStore>

type Stores = readonly [events: Events, store: MemoryReadStore]

const start = ([events, store]: Stores, projection: Projection, more = {}): Projector =>
  startProjector({ projection, events, store, clock, owner: 'one', snapshotEvery: 10, ...more })

const reached = (store: MemoryReadStore, name: string, position: bigint) =>
  until(async () => ((await store.live(name))?.position ?? -1n) >= position, { what: `${name} at ${position}` })

const inState = (projector: Projector, state: ProjectorState) =>
  until(() => projector.state === state, { what: `${projector.projection} is ${state}` })

describe('the projector', () => {
  test('past and live events end in the documents that a fold of the events gives', async () => {
    const events = createMemoryEventStore()
    const store = openMemoryReadStore(createMemoryReadData())
    await appendMany(events, 0, 1_200)
    const projectors = startProjectors(all, { events, store, clock, owner: 'one', snapshotEvery: 50 })
    const position = (await appendMany(events, 1_200, 1_300)).at(-1) ?? 0n
    for (const projection of all) {
      await reached(store, projection.name, position)
      const expected = await folded(projection, { events })
      expect(await stored(store, projection.name)).toEqual({ ...expected, version: 1 })
      expect(Object.keys(expected.documents).length).toBeGreaterThan(0)
    }
    expect(projectors.map(({ state }) => state)).toEqual(['live', 'live', 'live'])
    await Promise.all(projectors.map((projector) => projector.stop()))
    expect(projectors.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped'])
    expect((await store.live('orders'))?.owner).toBeUndefined()
  })

  test('a tenant has its own documents; an event without a tenant is in none but shared ones', async () => {
    const events = createMemoryEventStore()
    const store = openMemoryReadStore(createMemoryReadData())
    const placed = { type: 'Placed', data: { order: 'o', product: 'p', quantity: 2 } }
    await append(events, placed, 't')
    await append(events, placed, 'u')
    const position = await append(events, { ...placed, data: { ...placed.data, order: 'nobody' } }, null)
    const projectors = startProjectors([sales, total], { events, store, clock, owner: 'one' })
    await reached(store, 'sales', position)
    await reached(store, 'total', position)
    const own = { sold: 2, orders: ['o'] }
    expect((await stored(store, 'sales')).documents).toEqual({ 't/p': own, 'u/p': own })
    expect((await stored(store, 'total')).documents).toEqual({ '/all': 6 })
    await Promise.all(projectors.map((projector) => projector.stop()))
  })
})

describe('state and checkpoint agree, wherever the projector dies', () => {
  const faults: readonly CommitFault[] = ['unavailable', 'unknown-written', 'crash-before', 'crash-after']
  test.each(faults)('%s, at each commit', async (fault) => {
    const events = createMemoryEventStore()
    await appendMany(events, 0, 60)
    const data = createMemoryReadData()
    for (let death = 1; death <= 8; death++) {
      const store = openMemoryReadStore(data)
      let commits = 0
      store.faults.onCommit = () => (++commits === death ? fault : undefined)
      const projectors = startProjectors(all, { events, store, clock, owner: 'one', snapshotEvery: 10 })
      const position = (await appendMany(events, death * 100, death * 100 + 30)).at(-1) ?? 0n
      const survivor = openMemoryReadStore(data)
      if (fault.startsWith('crash')) {
        await until(() => store.faults.crashed, { what: 'the crash' })
      } else {
        for (const { name } of all) await reached(survivor, name, position)
      }
      for (const projection of all) {
        const seen = await stored(survivor, projection.name).catch(() => undefined)
        if (seen === undefined) continue
        const { documents } = await folded(projection, { events, at: { position: seen.position } })
        expect(seen.documents).toEqual(documents)
      }
      if (!fault.startsWith('crash')) await Promise.all(projectors.map((projector) => projector.stop()))
    }
    const store = openMemoryReadStore(data)
    const projectors = startProjectors(all, { events, store, clock, owner: 'one' })
    const position = await append(events, shopEvent(1))
    for (const projection of all) {
      await reached(store, projection.name, position)
      expect((await stored(store, projection.name)).documents).toEqual((await folded(projection, { events })).documents)
    }
    await Promise.all(projectors.map((projector) => projector.stop()))
  })

  test('a read store, or an event store, that is away for a while', async () => {
    const events = createMemoryEventStore()
    const store = openMemoryReadStore(createMemoryReadData())
    const projector = start([events, store], orders)
    await reached(store, 'orders', (await appendMany(events, 0, 20)).at(-1) ?? 0n)
    store.faults.down = true
    const position = (await appendMany(events, 20, 60)).at(-1) ?? 0n
    await inState(projector, 'waiting')
    store.faults.down = false
    await reached(store, 'orders', position)
    expect((await stored(store, 'orders')).documents).toEqual((await folded(orders, { events })).documents)
    await projector.stop()
  })
})

describe('one projector at a time', () => {
  test('another waits, takes over when the first is not heard of, and the first cannot write when it wakes', async () => {
    const events = createMemoryEventStore()
    const data = createMemoryReadData()
    const [first, second] = [openMemoryReadStore(data), openMemoryReadStore(data)]
    const one = start([events, first], orders, { owner: 'one', leaseMs: 60 })
    await reached(first, 'orders', (await appendMany(events, 0, 10)).at(-1) ?? 0n)
    const two = start([events, second], orders, { owner: 'two', leaseMs: 60 })
    await inState(two, 'standby')
    // The first is paused: what it has asked for comes later.
    const woken = Promise.withResolvers<undefined>()
    const commit = first.commit.bind(first)
    const renew = first.renew.bind(first)
    const results: string[] = []
    Object.assign(first, {
      commit: async (...args: Parameters<typeof commit>) => {
        await woken.promise
        const result = await commit(...args)
        results.push(result.kind)
        return result
      },
      renew: async (...args: Parameters<typeof renew>) => {
        await woken.promise
        return renew(...args)
      },
    })
    const position = (await appendMany(events, 10, 40)).at(-1) ?? 0n
    await inState(two, 'live')
    await reached(second, 'orders', position)
    const before = await stored(second, 'orders')
    woken.resolve(undefined)
    await until(() => results.length > 0, { what: 'the commit of the one that woke' })
    expect(results).toEqual(['fenced'])
    await inState(one, 'standby')
    expect(await stored(second, 'orders')).toEqual(before)
    expect(before.documents).toEqual((await folded(orders, { events })).documents)
    await two.stop()
    await inState(one, 'live')
    await one.stop()
  })
})

describe('a projection whose code fails', () => {
  const fragile = (fails: (order: string) => boolean, version = 1): Projection =>
    defineProjection<{ seen: string[] }, { type: 'Placed'; data: { order: string } }>({
      name: 'fragile',
      version,
      scope: 'shared',
      initial: { seen: [] },
      on: {
        Placed: (state, { data }) => {
          const next = { seen: [...state.seen, data.order] }
          // In place as well, as careless code does: nothing of a batch that fails must be left.
          if (fails(data.order)) {
            if (!Object.isFrozen(state.seen)) state.seen.push('half')
            throw new Error('boom')
          }
          return next
        },
      },
    })

  test('stops alone, just before the event, says why, and goes on with better code', async () => {
    const events = createMemoryEventStore()
    const store = openMemoryReadStore(createMemoryReadData())
    for (const order of ['a', 'b']) await append(events, { type: 'Placed', data: { order, product: 'p', quantity: 1 } })
    const bad = { id: randomUUID(), type: 'Placed', data: { order: 'bad', product: 'p', quantity: 1 }, metadata: {} }
    await events.append('shop-bad', [bad], 'no_stream')
    const last = await append(events, { type: 'Placed', data: { order: 'c', product: 'p', quantity: 1 } })
    const errors: unknown[] = []
    const options = { events, store, clock, owner: 'one' }
    const observer = {
      stateChanged: (info: { error?: unknown }) => info.error !== undefined && errors.push(info.error),
    }
    const failing = startProjector({ ...options, projection: fragile((order) => order === 'bad'), observer })
    const healthy = startProjector({ ...options, projection: total })
    await inState(failing, 'failed')
    await reached(store, 'total', last)
    expect(healthy.state).toBe('live')
    const badPosition = (await events.read('shop-bad', { direction: 'forwards', maxCount: 1 }))[0]?.position ?? 0n
    expect(await stored(store, 'fragile')).toMatchObject({ documents: { '/all': { seen: ['a', 'b'] } } })
    expect((await stored(store, 'fragile')).position).toBeLessThan(badPosition)
    expect(await store.live('fragile')).toMatchObject({
      owner: undefined,
      failure: { position: badPosition, eventId: bad.id, message: expect.stringContaining('boom') as string },
    })
    expect(errors).toHaveLength(1)
    const better = startProjector({ ...options, projection: fragile(() => false) })
    await reached(store, 'fragile', last)
    expect((await stored(store, 'fragile')).documents).toEqual({ '/all': { seen: ['a', 'b', 'bad', 'c'] } })
    expect((await store.live('fragile'))?.failure).toBeUndefined()
    for (const projector of [failing, healthy, better]) await projector.stop()
    expect(failing.state).toBe('failed')
  })

  test.each([
    ['an id that cannot be kept', { key: () => 'nul\0' }],
    ['an empty id', { key: () => '' }],
    ['an id that is too long', { key: () => 'ä'.repeat(513) }],
    ['a state that is no JSON', { on: { Placed: () => 1n as never } }],
    [
      'an upcast that throws',
      {
        upcast: {
          Placed: {
            1: () => {
              throw new Error('old')
            },
          },
        },
      },
    ],
  ])('%s fails it in the same way', async (_, fault) => {
    const events = createMemoryEventStore()
    const store = openMemoryReadStore(createMemoryReadData())
    const spec = { name: 'faulty', initial: 0, on: { Placed: (n: number) => n + 1 } }
    const first = await append(events, { type: 'Other', data: {} })
    const position = await append(events, { type: 'Placed', data: {} })
    const projector = start([events, store], defineProjection({ ...spec, ...fault }))
    await inState(projector, 'failed')
    const live = await store.live('faulty')
    expect(live?.failure?.position).toBe(position)
    expect(live?.position).toBeLessThanOrEqual(first)
    await projector.stop()
  })
})

describe('blue/green', () => {
  const versioned = (version: number): Projection =>
    defineProjection<{ n: number; version: number }, { type: 'Placed'; data: { quantity: number } }>({
      name: 'versioned',
      version,
      scope: 'shared',
      initial: { n: 0, version },
      on: { Placed: ({ n }, { data }) => ({ n: n + data.quantity, version }) },
    })

  test('a new version is built beside the old one; reads never go back in time; the old one does not come back', async () => {
    const events = createMemoryEventStore()
    const data = createMemoryReadData()
    const store = openMemoryReadStore(data)
    await appendMany(events, 0, 700)
    const old = start([events, openMemoryReadStore(data)], versioned(1), { owner: 'old' })
    await inState(old, 'live')
    let reading = true
    const versions = new Set<number>()
    const read = async (): Promise<void> => {
      for (let last = 0n; reading; await clock.sleep(1)) {
        const page = await store.read({ name: 'versioned' }, [{ tenant: '', id: 'all' }])
        if (page === undefined) continue
        expect(page.position).toBeGreaterThanOrEqual(last)
        last = page.position
        versions.add(page.version)
        const { documents } = await folded(versioned(page.version), { events, at: { position: page.position } })
        expect(page.documents[0] === undefined ? undefined : JSON.parse(page.documents[0])).toEqual(documents['/all'])
      }
    }
    const reader = read()
    const next = start([events, openMemoryReadStore(data)], versioned(2), { owner: 'new' })
    for (let n = 700; n < 900; n += 20) await appendMany(events, n, n + 20)
    await inState(next, 'live')
    await inState(old, 'superseded')
    const late = start([events, openMemoryReadStore(data)], versioned(1), { owner: 'late' })
    await inState(late, 'superseded')
    const position = (await appendMany(events, 900, 950)).at(-1) ?? 0n
    await reached(store, 'versioned', position)
    reading = false
    await reader
    expect(versions).toContain(2)
    expect(await stored(store, 'versioned')).toEqual({ ...(await folded(versioned(2), { events })), version: 2 })
    await until(async () => (await store.builds('versioned')).length === 1, { what: 'the old build is gone' })
    for (const projector of [old, next, late]) await projector.stop()
  })
})
