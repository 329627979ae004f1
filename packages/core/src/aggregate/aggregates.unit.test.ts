import { createManualClock, createTestIds } from '@holdfast/testing/clock'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import { Aggregates } from './aggregates.ts'
import { aggregateStream, defineAggregate, isRejection, reject, type Aggregate } from './define-aggregate.ts'

const spec = {
  name: 'sum',
  initial: Number(0),
  evolve: (before: number, event: { readonly type: 'Added'; readonly data: { readonly n: number } }) =>
    before + event.data.n,
  decide: (n: number) => ({ type: 'Added' as const, data: { n } }),
}
const sum = defineAggregate(spec) as unknown as Aggregate

describe('the definition of an aggregate', () => {
  test('has its defaults', () => {
    expect(defineAggregate(spec)).toMatchObject({ snapshotEvery: 200, snapshotVersion: 1 })
    expect(defineAggregate({ ...spec, snapshotEvery: 5, snapshotVersion: 2 })).toMatchObject({
      snapshotEvery: 5,
      snapshotVersion: 2,
    })
  })

  test.each(['', 'Sum', '1sum', 'sum-total', 'sum total', 'command', 'snapshot', 'checkpoint'])(
    'the name "%s" is refused',
    (name) => {
      expect(() => defineAggregate({ ...spec, name })).toThrow(TypeError)
    },
  )

  test('names its stream', () => {
    expect(aggregateStream(sum, 'abc')).toBe('sum-abc')
    expect(aggregateStream(sum, 'x'.repeat(200))).toHaveLength(204)
    for (const id of ['', 'a b', 'ü', '\n', 'x'.repeat(201)]) expect(() => aggregateStream(sum, id)).toThrow(TypeError)
  })

  test('a rejection is told from events, whatever they look like', () => {
    expect(isRejection(reject('no'))).toBe(true)
    expect(isRejection({ type: 'Rejection', data: {}, reason: 'no' })).toBe(false)
    expect(isRejection([])).toBe(false)
  })
})

describe('the aggregates of a process', () => {
  const setUp = () => {
    const store = createMemoryEventStore()
    const own = { ...store }
    const loads: string[] = []
    store.read = (stream, options) => {
      if (options.direction === 'forwards') loads.push(stream)
      return own.read(stream, options)
    }
    const clock = createManualClock(0)
    const ids = createTestIds()
    const aggregates = new Aggregates({ store, clock, ids })
    const act = (id: string) =>
      aggregates.execute(sum, id, { command: 1, tenant: 't', stepKey: ids.uuid(), after: -1, turn: 'first' })
    return { store, clock, aggregates, loads, act }
  }

  test('tell where the next events will stand', async () => {
    const { aggregates, act } = setUp()
    expect(await aggregates.placeOf(sum, 'a')).toEqual({ stream: 'sum-a', after: -1 })
    await act('a')
    await act('a')
    expect(await aggregates.placeOf(sum, 'a')).toEqual({ stream: 'sum-a', after: 1 })
    expect(await aggregates.placeOf(sum, 'b')).toEqual({ stream: 'sum-b', after: -1 })
    await expect(aggregates.placeOf(sum, 'not an id')).rejects.toThrow(TypeError)
    await expect(act('not an id')).rejects.toThrow(TypeError)
  })

  test('are kept while they are used: the least recently used goes first, and is read again', async () => {
    const { loads, act } = setUp()
    for (let id = 0; id < 1_000; id++) await act(String(id))
    await act('0')
    loads.length = 0
    await act('new')
    await act('0')
    await act('2')
    expect(loads).toEqual(['sum-new'])
    await act('1')
    expect(loads).toEqual(['sum-new', 'sum-1'])
  })

  test('one that is being written to is not let go', async () => {
    const { store, clock, loads, act } = setUp()
    await act('busy')
    const release = store.faults.holdAppends()
    const waiting = act('busy')
    await clock.settle()
    const others = Array.from({ length: 1_001 }, (_, id) => act(String(id)))
    await clock.settle()
    loads.length = 0
    const next = act('busy')
    release()
    await Promise.all([waiting, next, ...others])
    expect(loads).toEqual([])
    expect(store.log.events('sum-busy')).toHaveLength(3)
  })

  test('a load that fails is tried again', async () => {
    const { store, act } = setUp()
    store.faults.down = true
    await expect(act('a')).rejects.toMatchObject({ code: 'unavailable' })
    store.faults.down = false
    expect(await act('a')).toMatchObject({ kind: 'done' })
  })
})
