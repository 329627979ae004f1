import { createManualClock, createTestIds } from '@holdfast/testing/clock'
import { createMemoryLog, openMemoryEventStore, type MemoryEventStore } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import type { ReadOptions } from '../ports/event-store.ts'
import { AggregateStream, type AggregateRequest } from './aggregate-stream.ts'
import { defineAggregate, reject, type Aggregate, type ExecuteResult } from './define-aggregate.ts'

type Command =
  { readonly add: number } | { readonly take: number } | { readonly fail: string } | { readonly large: number }
type Event =
  | { readonly type: 'Added'; readonly data: { readonly n: number } }
  | { readonly type: 'Taken'; readonly data: { readonly n: number } }
  | { readonly type: 'Poison'; readonly data: { readonly text: string } }
  | { readonly type: 'Large'; readonly data: { readonly text: string } }

const stock = defineAggregate({
  name: 'stock',
  initial: { n: Number(0) },
  evolve: ({ n }, event: Event) => {
    if (event.type === 'Poison') throw new Error(`cannot fold ${event.data.text}`)
    if (event.type === 'Large') return { n }
    return { n: event.type === 'Added' ? n + event.data.n : n - event.data.n }
  },
  decide: (command: Command, { n }): Event | readonly Event[] | ReturnType<typeof reject<number>> => {
    if ('fail' in command) {
      if (command.fail === 'decide') throw new Error('cannot decide')
      return { type: 'Poison', data: { text: command.fail } }
    }
    if ('large' in command) return { type: 'Large', data: { text: 'x'.repeat(command.large) } }
    if ('add' in command) {
      return Array.from({ length: command.add }, () => ({ type: 'Added' as const, data: { n: 1 } }))
    }
    return command.take > n ? reject(n) : { type: 'Taken', data: { n: command.take } }
  },
}) as unknown as Aggregate

const clock = createManualClock(0)
const ids = createTestIds()
const setUp = (options: { readonly aggregate?: Aggregate; readonly maxEventBytes?: number } = {}) => {
  const log = createMemoryLog({ nowMs: () => clock.nowMs(), ...options })
  const aggregate = options.aggregate ?? stock
  const open = () => {
    const store = openMemoryEventStore(log)
    const stream = new AggregateStream({ store, clock, ids }, aggregate, 'stock-a')
    let keys = 0
    const act = (command: Command, request: Partial<AggregateRequest> = {}): Promise<ExecuteResult> =>
      stream.execute({
        ...{ command, tenant: 't', stepKey: `key-${ids.uuid()}-${keys++}`, after: -1, turn: 'first' },
        ...request,
      })
    return { store, stream, act }
  }
  const types = () => log.events('stock-a').map(({ type }) => type)
  /** Folded by hand, from the events alone. */
  const left = () =>
    log
      .events('stock-a')
      .reduce((n, { type, data }) => n + (type === 'Added' ? 1 : type === 'Taken' ? -Number(data['n']) : 0), 0)
  return { log, open, types, left }
}
const counted = (store: MemoryEventStore) => {
  const own = { ...store }
  const seen = { appends: 0, events: 0, reads: [] as { stream: string; options: ReadOptions }[] }
  store.append = (stream, events, expected) => {
    seen.appends++
    seen.events += events.length
    return own.append(stream, events, expected)
  }
  store.read = (stream, options) => {
    seen.reads.push({ stream, options })
    return own.read(stream, options)
  }
  return seen
}
const done = { kind: 'done' }
const take = (n: number): Command => ({ take: n })

describe('an aggregate decides', () => {
  test('on the state that its events make; a rejection appends nothing', async () => {
    const { open, types } = setUp()
    const { act } = open()
    expect(await act({ add: 2 })).toMatchObject({ kind: 'done', events: [{ type: 'Added' }, { type: 'Added' }] })
    expect(await act(take(2))).toEqual({ kind: 'done', events: [{ type: 'Taken', data: { n: 2 } }] })
    expect(await act(take(1))).toEqual({ kind: 'rejected', reason: 0 })
    expect(await act({ add: 0 })).toEqual({ kind: 'done', events: [] })
    expect(types()).toEqual(['Added', 'Added', 'Taken'])
  })

  test('the same in a process that knows nothing yet', async () => {
    const { open } = setUp()
    await open().act({ add: 3 })
    expect(await open().act(take(4))).toEqual({ kind: 'rejected', reason: 3 })
    expect(await open().act(take(3))).toMatchObject(done)
  })

  test('its events carry the step key', async () => {
    const { log, open } = setUp()
    await open().act({ add: 2 }, { stepKey: 'the-key' })
    expect(log.events('stock-a').map(({ metadata }) => metadata)).toEqual([
      { v: 1, tenant: 't', step_key: 'the-key' },
      { v: 1, tenant: 't', step_key: 'the-key' },
    ])
  })
})

describe('many at one time', () => {
  test('are decided one after the other and appended together', async () => {
    const { open, left } = setUp()
    const { store, act } = open()
    await act({ add: 100 })
    const seen = counted(store)
    const results = await Promise.all(Array.from({ length: 150 }, () => act(take(1))))
    expect(results.filter(({ kind }) => kind === 'done')).toHaveLength(100)
    expect(results.slice(100).every(({ kind }) => kind === 'rejected')).toBe(true)
    expect(left()).toBe(0)
    expect(seen.events).toBe(100)
    expect(seen.appends).toBeLessThanOrEqual(2)
    expect(seen.reads.length).toBeLessThanOrEqual(1)
  })

  test('one that fails fails alone, in decide or in evolve', async () => {
    const { open, types } = setUp()
    const { act } = open()
    const results = await Promise.allSettled([
      act({ add: 1 }),
      act({ fail: 'decide' }),
      act({ fail: 'evolve' }),
      act(take(1)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(types()).toEqual(['Added', 'Taken'])
    await expect(act({ fail: 'decide' })).rejects.toThrow('cannot decide')
    expect(await act({ add: 1 })).toMatchObject(done)
  })

  test('one that is too large for the store fails alone', async () => {
    const { open, types } = setUp({ maxEventBytes: 1_000 })
    const { act } = open()
    const all = [act({ add: 1 }), act({ add: 1 }), act({ large: 5_000 }), act(take(2)), act({ large: 10 })]
    const results = await Promise.allSettled(all)
    expect(results.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    ])
    // A plain error: a store's fault would be tried again for ever.
    await expect(all[2]).rejects.toThrow(RangeError)
    expect(types()).toEqual(['Added', 'Added', 'Taken', 'Large'])
  })

  test('the store is away: all of them learn it, and the next go on from where the stream is', async () => {
    const { open, left } = setUp()
    const { store, act } = open()
    await act({ add: 3 })
    const seen = counted(store)
    store.faults.failNextAppend('unavailable')
    const results = await Promise.allSettled([act(take(1)), act(take(1))])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await Promise.all([act(take(2)), act(take(1))])).toMatchObject([done, done])
    expect(left()).toBe(0)
    // Nothing of what it knew was wrong.
    expect(seen.reads).toEqual([])
  })

  test('an evolve that cannot fold what stands there fails all, until it can', async () => {
    const { log, open } = setUp()
    const { act } = open()
    await act({ add: 1 })
    log.append('stock-a', [{ id: 'x', type: 'Poison', data: { text: 'x' }, metadata: {} }], 0n)
    await expect(act(take(1))).rejects.toThrow('cannot fold x')
    await expect(open().act(take(1))).rejects.toThrow('cannot fold x')
  })
})

describe('another process writes to it too', () => {
  test('a conflict: what it wrote is folded, and decided again', async () => {
    const { open, left } = setUp()
    const [one, other] = [open(), open()]
    await one.act({ add: 3 })
    expect(await other.act(take(2))).toMatchObject(done)
    expect(await one.act(take(2))).toEqual({ kind: 'rejected', reason: 1 })
    expect(await one.act(take(1))).toMatchObject(done)
    expect(left()).toBe(0)
  })

  test('a "no" is told as of now: what others have put back counts', async () => {
    const { open } = setUp()
    const [one, other] = [open(), open()]
    await one.act({ add: 1 })
    await one.act(take(1))
    await other.act({ add: 1 })
    expect(await one.act(take(1))).toMatchObject(done)
    // Also where the "no" stands beside a "yes", which is appended.
    await other.act({ add: 5 })
    const both = [one.act({ add: 1 }), one.act(take(6)), one.act(take(1))]
    expect(await Promise.all(both)).toMatchObject([done, done, { kind: 'rejected', reason: 0 }])
  })

  test('conflict upon conflict: bounded, then a fault of the store', async () => {
    const { open } = setUp()
    const [one, rival] = [open(), open()]
    await one.act({ add: 1 })
    const own = { ...one.store }
    one.store.append = async (...args) => {
      await rival.act({ add: 1 })
      return own.append(...args)
    }
    await expect(one.act(take(1))).rejects.toMatchObject({ name: 'EventStoreError', code: 'unavailable' })
  })
})

describe('one step, whoever is at it and how often', () => {
  const key = { stepKey: 'the-key' }

  test.each(['first', 'again'] as const)('its events are appended once (%s)', async (turn) => {
    const { open, left } = setUp()
    const [one, other] = [open(), open()]
    await one.act({ add: 5 })
    const first = await one.act(take(2), { ...key, after: 4 })
    for (const each of [one, other, open()]) expect(await each.act(take(2), { ...key, after: 4, turn })).toEqual(first)
    expect(left()).toBe(3)
  })

  test('also several events, over the end of a page, and in the middle of others', async () => {
    const { open, types } = setUp()
    const { act } = open()
    await act({ add: 495 })
    const first = await act({ add: 10 }, { ...key, after: -1 })
    await act({ add: 600 })
    expect(await open().act({ add: 10 }, { ...key, after: -1, turn: 'again' })).toEqual(first)
    expect(types()).toHaveLength(1_105)
  })

  test('twice in one queue', async () => {
    const { open, left } = setUp()
    const { act } = open()
    await act({ add: 5 })
    const results = await Promise.all([act(take(1), key), act(take(1), key), act(take(9), { stepKey: 'no' })])
    expect(results[1]).toEqual(results[0])
    expect(left()).toBe(4)
  })

  test('twice in one queue, the first without events: what is gone on with is written down', async () => {
    const { open, types } = setUp()
    const { store, act } = open()
    await act({ add: 1 })
    const release = store.faults.holdAppends()
    const before = act(take(1))
    await clock.settle()
    const both = [act(take(1), { ...key, after: 0 }), act(take(1), { ...key, after: 0, turn: 'again' })]
    release()
    const no = { kind: 'rejected', reason: 0 }
    expect(await Promise.all([before, ...both])).toMatchObject([done, no, no])
    expect(types()).toEqual(['Added', 'Taken', 'StepDecidedWithoutEvents'])
  })

  test('while the first is being written', async () => {
    const { open, left } = setUp()
    const { store, act } = open()
    await act({ add: 5 })
    const release = store.faults.holdAppends()
    const first = act(take(1), { ...key, after: 4 })
    await clock.settle()
    const again = act(take(1), { ...key, after: 4, turn: 'again' })
    release()
    expect(await again).toEqual(await first)
    expect(left()).toBe(4)
  })

  test('a worker that slept through it: it waited in the queue while another did it', async () => {
    const { open, left } = setUp()
    const [sleeper, other] = [open(), open()]
    await sleeper.act({ add: 5 })
    const release = sleeper.store.faults.holdAppends()
    const before = sleeper.act({ add: 1 })
    await clock.settle()
    const late = sleeper.act(take(2), { ...key, after: 4 })
    const first = await other.act(take(2), { ...key, after: 4, turn: 'again' })
    release()
    expect(await late).toEqual(first)
    await before
    expect(left()).toBe(4)
  })

  test('a worker that slept through a "no": the "no" stays, whatever is there by now', async () => {
    const { open, types } = setUp()
    const [sleeper, other] = [open(), open()]
    await sleeper.act({ add: 1 })
    const release = sleeper.store.faults.holdAppends()
    const late = sleeper.act(take(1), { ...key, after: 0 })
    await clock.settle()
    // Sold out for a while; in that time another takes over the step.
    await other.act(take(1))
    const no = await other.act(take(1), { ...key, after: 0, turn: 'again' })
    expect(no).toEqual({ kind: 'rejected', reason: 0 })
    await other.act({ add: 5 })
    release()
    expect(await late).toEqual(no)
    for (const each of [other, open()]) expect(await each.act(take(1), { ...key, after: 0, turn: 'again' })).toEqual(no)
    expect(types().slice(0, 3)).toEqual(['Added', 'Taken', 'StepDecidedWithoutEvents'])
    // Nothing to evolve: a fresh process counts the same.
    expect(await open().act(take(6))).toEqual({ kind: 'rejected', reason: 5 })
  })

  test('closed: what does not stand there by now never will', async () => {
    const { open, types } = setUp()
    const [sleeper, other] = [open(), open()]
    await sleeper.act({ add: 1 })
    const release = sleeper.store.faults.holdAppends()
    const late = sleeper.act(take(1), { ...key, after: 0 })
    await clock.settle()
    const nothing = { kind: 'done', events: [] }
    expect(await other.act(take(1), { ...key, after: 0, turn: 'close' })).toEqual(nothing)
    release()
    expect(await late).toEqual(nothing)
    expect(types()).toEqual(['Added', 'StepDecidedWithoutEvents'])
    // What does stand there is told.
    const taken = await other.act(take(1), { stepKey: 'other', after: 0 })
    expect(await open().act(take(1), { stepKey: 'other', after: 0, turn: 'close' })).toEqual(taken)
  })

  test('also after more steps than it remembers', { timeout: 60_000 }, async () => {
    const { open, left } = setUp()
    const { act } = open()
    await act({ add: 1 }, key)
    await Promise.all(Array.from({ length: 16_500 }, () => act({ add: 1 })))
    expect(await act({ add: 1 }, { ...key, turn: 'again' })).toMatchObject(done)
    expect(left()).toBe(16_501)
  })

  test('is looked for only after the place where it was begun', async () => {
    const { open } = setUp()
    await open().act({ add: 700 })
    await clock.settle()
    const { store, act } = open()
    await act({ add: 1 }, { after: 700 })
    const seen = counted(store)
    expect(await act(take(1), { ...key, after: 300, turn: 'again' })).toMatchObject(done)
    expect(seen.reads.map(({ options }) => options.from)).toEqual([301n])
    // And what it has seen since is not read at all.
    expect(await act(take(1), { ...key, stepKey: 'next', after: 700, turn: 'again' })).toMatchObject(done)
    expect(seen.reads).toHaveLength(1)
  })

  test.each(['unknown-written', 'unknown-not-written'] as const)(
    'an outcome that stays unknown (%s)',
    async (fault) => {
      const { open, left } = setUp()
      const { store, act } = open()
      await act({ add: 5 })
      for (let time = 0; time < 6; time++) store.faults.failNextAppend(time === 0 ? fault : 'unknown-not-written')
      const first = act(take(2), { ...key, after: 4 })
      first.catch(() => undefined)
      await clock.runUntilIdle()
      await expect(first).rejects.toMatchObject({ code: 'unknown-outcome' })
      expect(await act(take(2), { ...key, after: 4, turn: 'again' })).toMatchObject({ events: [{ data: { n: 2 } }] })
      expect(left()).toBe(3)
    },
  )
})
