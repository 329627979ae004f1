import { createManualClock, createTestIds } from '@holdfast/testing/clock'
import {
  createMemoryEventStore,
  openMemoryEventStore,
  type MemoryEventStore,
} from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import { AggregateStream } from './aggregate-stream.ts'
import { defineAggregate, type Aggregate } from './define-aggregate.ts'
import { loadSnapshot, saveSnapshot } from './snapshot.ts'

const clock = createManualClock(0)
const ids = createTestIds()
const sum = (
  options: { readonly snapshotEvery?: number; readonly snapshotVersion?: number; readonly factor?: number } = {},
) => {
  const { factor = 1, ...rest } = options
  return defineAggregate({
    name: 'sum',
    initial: Number(0),
    evolve: (before, event: { type: 'Added'; data: { n: number } }) => before + factor * event.data.n,
    decide: (n: number, before) => ({ type: 'Added' as const, data: { n, before } }),
    ...rest,
  }) as unknown as Aggregate
}
const open = (store: MemoryEventStore, aggregate: Aggregate) => {
  const stream = new AggregateStream({ store, clock, ids }, aggregate, 'sum-a')
  return async (n: number): Promise<number> => {
    const after = await stream.knownRevision()
    const result = await stream.execute({ command: n, tenant: 't', stepKey: ids.uuid(), after, turn: 'first' })
    await clock.settle()
    return result.kind === 'done' ? Number(result.events[0]?.data['before']) : Number.NaN
  }
}
const add = async (act: (n: number) => Promise<number>, times: number): Promise<void> => {
  for (let time = 0; time < times; time++) await act(1)
}
const snapshots = (store: MemoryEventStore) => store.log.events('snapshot-sum-a').map(({ data }) => data)
const fromOfReads = (store: MemoryEventStore): (bigint | undefined)[] => {
  const own = { ...store }
  const seen: (bigint | undefined)[] = []
  store.read = (stream, options) => {
    if (stream === 'sum-a') seen.push(options.from)
    return own.read(stream, options)
  }
  return seen
}

describe('snapshots of a long stream', () => {
  test('are written about every so many events', async () => {
    const store = createMemoryEventStore()
    await add(open(store, sum({ snapshotEvery: 10 })), 35)
    expect(snapshots(store)).toEqual([
      { state: 10, revision: 9, version: 1 },
      { state: 20, revision: 19, version: 1 },
      { state: 30, revision: 29, version: 1 },
    ])
  })

  test('are where a process begins to read', async () => {
    const store = createMemoryEventStore()
    await add(open(store, sum({ snapshotEvery: 10 })), 25)
    const reads = fromOfReads(store)
    expect(await open(store, sum({ snapshotEvery: 10 }))(1)).toBe(25)
    expect(reads).toEqual([20n])
  })

  test('of another version are ignored, and overtaken', async () => {
    const store = createMemoryEventStore()
    await add(open(store, sum({ snapshotEvery: 10 })), 15)
    const doubled = sum({ snapshotEvery: 10, snapshotVersion: 2, factor: 2 })
    expect(await open(store, doubled)(1)).toBe(30)
    expect(snapshots(store).at(-1)).toEqual({ state: 32, revision: 15, version: 2 })
    expect(await open(store, doubled)(1)).toBe(32)
  })

  test('are no harm when they are lost, refused, or torn', async () => {
    const store = createMemoryEventStore()
    const own = { ...store }
    store.append = (stream, ...rest) =>
      stream.startsWith('snapshot-') ? Promise.reject(new Error('disk full')) : own.append(stream, ...rest)
    const act = open(store, sum({ snapshotEvery: 5 }))
    await add(act, 12)
    expect(snapshots(store)).toEqual([])
    expect(await act(1)).toBe(12)
    expect(await open(openMemoryEventStore(store.log), sum({ snapshotEvery: 5 }))(1)).toBe(13)
  })

  test('that nobody could write for long are caught up with at the first act', async () => {
    const store = createMemoryEventStore()
    await add(open(store, sum({ snapshotEvery: 1_000 })), 25)
    await open(store, sum({ snapshotEvery: 10 }))(1)
    expect(snapshots(store)).toEqual([{ state: 26, revision: 25, version: 1 }])
  })

  test('the state null is a state', async () => {
    const store = createMemoryEventStore()
    const deps = { store, ids }
    await saveSnapshot(deps, 'sum-a', { state: null, revision: 3n, version: 1 })
    expect(await loadSnapshot(store, 'sum-a', 1)).toEqual({ state: null, revision: 3n, version: 1 })
    expect(await loadSnapshot(store, 'sum-a', 2)).toBeUndefined()
    expect(await loadSnapshot(store, 'sum-b', 1)).toBeUndefined()
  })

  test('an older one does not replace a newer one', async () => {
    const store = createMemoryEventStore()
    const deps = { store, ids }
    await saveSnapshot(deps, 'sum-a', { state: 2, revision: 20n, version: 1 })
    await saveSnapshot(deps, 'sum-a', { state: 1, revision: 10n, version: 1 })
    expect(await loadSnapshot(store, 'sum-a', 1)).toMatchObject({ revision: 20n })
  })

  test('two processes at the same time: one of both is enough', async () => {
    const store = createMemoryEventStore()
    const other = openMemoryEventStore(store.log)
    await Promise.all([
      saveSnapshot({ store, ids }, 'sum-a', { state: 1, revision: 10n, version: 1 }),
      saveSnapshot({ store: other, ids }, 'sum-a', { state: 2, revision: 20n, version: 1 }),
    ])
    expect(snapshots(store)).toHaveLength(1)
  })
})
