import { createManualClock, createTestIds } from '@holdfast/testing/clock'
import { createMemoryEventStore, openMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import { AggregateStream, type AggregateDeps } from './aggregate-stream.ts'
import { defineAggregate, type Aggregate } from './define-aggregate.ts'

type Received = { readonly type: 'Received'; readonly version?: number; readonly data: { readonly pieces: number } }

/** Before: version 1, dozens. */
const dozens = defineAggregate({
  name: 'stock',
  initial: Number(0),
  evolve: (dozen, event: { readonly type: 'Received'; readonly data: { readonly dozens: number } }) =>
    dozen + event.data.dozens,
  decide: (n: number) => ({ type: 'Received' as const, data: { dozens: n } }),
}) as unknown as Aggregate

/** Since: version 2, pieces. */
const pieces = (spec: Partial<Aggregate> = {}) =>
  defineAggregate({
    name: 'stock',
    initial: Number(0),
    snapshotVersion: 2,
    evolve: (sum: number, event: Received) => sum + event.data.pieces,
    decide: (n: number, sum: number): Received =>
      n === 0
        ? { type: 'Received', version: 2, data: { pieces: -sum } }
        : { type: 'Received', version: 2, data: { pieces: n } },
    ...(spec as object),
  }) as unknown as Aggregate

const upcast = { Received: { 1: ({ dozens: n }: { readonly dozens?: unknown }) => ({ pieces: Number(n) * 12 }) } }

const clock = createManualClock(0)
const ids = createTestIds()

/** Acts as a process that begins now. */
async function act(deps: Omit<AggregateDeps, 'clock' | 'ids'>, aggregate: Aggregate, commands: readonly number[]) {
  const stream = new AggregateStream({ clock, ids, ...deps }, aggregate, 'stock-a')
  const results = []
  for (const command of commands) {
    const after = await stream.knownRevision()
    results.push(await stream.execute({ command, tenant: 't', stepKey: ids.uuid(), after, turn: 'first' }))
  }
  return results
}

const put = (sum: number) => ({ kind: 'done', events: [{ type: 'Received', version: 2, data: { pieces: -sum } }] })

describe('an aggregate whose events have evolved', () => {
  test.each([
    ['the application’s upcasts', { upcast }, pieces()],
    ['its own', {}, pieces({ upcast })],
    ['its own before the application’s', { upcast: { Received: { 1: () => ({ pieces: -1 }) } } }, pieces({ upcast })],
  ])('is folded by %s; the stored bytes stay', async (_whose, deps, aggregate) => {
    const store = createMemoryEventStore()
    await act({ store }, dozens, [1, 2])
    const before = JSON.stringify(store.log.events('stock-a').map(({ data, metadata }) => [data, metadata]))
    expect((await act({ store, ...deps }, aggregate, [5, 0])).at(-1)).toEqual(put(41))
    const stored = store.log.events('stock-a')
    expect(JSON.stringify(stored.slice(0, 2).map(({ data, metadata }) => [data, metadata]))).toBe(before)
    expect(stored.map(({ metadata }) => metadata['version'])).toEqual([undefined, undefined, 2, 2])
  })

  test('folds what it decides as whoever reads it later does', async () => {
    const store = createMemoryEventStore()
    // Still writes version 1, and reads it as version 2.
    const decide = (n: number, sum: number) =>
      n === 0 ? { type: 'Received', version: 2, data: { pieces: -sum } } : { type: 'Received', data: { dozens: n } }
    const between = pieces({ decide: decide as unknown as Aggregate['decide'] })
    expect((await act({ store, upcast }, between, [3, 0])).at(-1)).toEqual(put(36))
    await act({ store, upcast }, between, [3])
    expect(await act({ store: openMemoryEventStore(store.log), upcast }, between, [0])).toEqual([put(36)])
  })

  test('upcasts from what is no version are refused at the definition', () => {
    expect(() => pieces({ upcast: { Received: { 0: (data) => data } } })).toThrow('aggregate "stock"')
  })
})
