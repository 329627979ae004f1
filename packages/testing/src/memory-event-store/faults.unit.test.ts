import { describe, expect, test } from 'vitest'
import type { EventStoreError, NewEvent } from '@holdfast/core'
import { createManualClock } from '../clock/index.ts'
import { createMemoryEventStore, createMemoryLog, openMemoryEventStore, type AppendFault } from './index.ts'

const clock = createManualClock(0)
const event = (id: string): NewEvent => ({ id, type: 'Happened', data: {}, metadata: {} })
const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (result) => (result as { kind: string }).kind,
    (error: unknown) => (error as EventStoreError).code,
  )
/** 'nothing' when the work has not settled although everything that could run has. */
const heard = async (work: Promise<unknown>): Promise<string> => {
  let said = 'nothing'
  void code(work).then((each) => (said = each))
  await clock.settle()
  return said
}

describe('faults of the next append', () => {
  test.each<{ fault: AppendFault; says: string; written: boolean; crashed: boolean }>([
    { fault: 'unavailable', says: 'unavailable', written: false, crashed: false },
    { fault: 'unknown-not-written', says: 'unknown-outcome', written: false, crashed: false },
    { fault: 'unknown-written', says: 'unknown-outcome', written: true, crashed: false },
    { fault: 'crash-before', says: 'nothing', written: false, crashed: true },
    { fault: 'crash-after', says: 'nothing', written: true, crashed: true },
  ])('$fault', async ({ fault, says, written, crashed }) => {
    const store = createMemoryEventStore()
    store.faults.failNextAppend(fault)
    expect(await heard(store.append('s', [event('a')], 'no_stream'))).toBe(says)
    expect(store.log.events('s')).toHaveLength(written ? 1 : 0)
    expect(store.faults.crashed).toBe(crashed)
    // One fault concerns one append; a crash concerns all that follow.
    expect(await heard(store.append('t', [event('b')], 'no_stream'))).toBe(crashed ? 'nothing' : 'appended')
    expect(store.log.events('t')).toHaveLength(crashed ? 0 : 1)
  })

  test('queue up in their order, one append each', async () => {
    const store = createMemoryEventStore()
    store.faults.failNextAppend('unavailable')
    store.faults.failNextAppend('unknown-written')
    expect(await code(store.append('s', [event('a')], 'no_stream'))).toBe('unavailable')
    expect(await code(store.append('s', [event('a')], 'no_stream'))).toBe('unknown-outcome')
    expect(await code(store.append('s', [event('a')], 'no_stream'))).toBe('appended')
    expect(store.log.events()).toHaveLength(1)
  })

  test('a hook lets a rival write first', async () => {
    const log = createMemoryLog()
    const [mine, rival] = [openMemoryEventStore(log), openMemoryEventStore(log)]
    mine.faults.beforeNextAppend(async ({ stream }) => {
      await rival.append(stream, [event('rival')], 'no_stream')
      return undefined
    })
    expect(await mine.append('s', [event('mine')], 'no_stream')).toEqual({ kind: 'conflict', actual: 0n })
    expect(log.events('s').map(({ id }) => id)).toEqual(['rival'])
  })
})

describe('holding, going down, crashing', () => {
  test('held appends wait for their release, and other stores go on', async () => {
    const log = createMemoryLog()
    const [held, free] = [openMemoryEventStore(log), openMemoryEventStore(log)]
    const release = held.faults.holdAppends()
    const waiting = held.append('s', [event('held')], 'no_stream')
    expect(await heard(waiting)).toBe('nothing')
    expect(held.faults.held).toBe(1)
    expect(await code(free.append('t', [event('free')], 'no_stream'))).toBe('appended')
    release()
    expect(await code(waiting)).toBe('appended')
    expect(held.faults.held).toBe(0)
    expect(await code(held.append('u', [event('next')], 'no_stream'))).toBe('appended')
  })

  test('while it is down everything fails, afterwards nothing does', async () => {
    const store = createMemoryEventStore()
    store.faults.down = true
    const all = (): Promise<unknown>[] => [
      store.append('s', [event('a')], 'no_stream'),
      store.read('s', { direction: 'forwards', maxCount: 1 }),
      store.checkWritable(),
      store.load('c'),
      store.save('c', 1n),
    ]
    for (const work of all()) expect(await code(work)).toBe('unavailable')
    store.faults.down = false
    await Promise.all(all())
    expect(store.log.events('s')).toHaveLength(1)
  })

  test('a crash: held appends are lost, reads and subscriptions hear nothing, the log survives', async () => {
    const store = createMemoryEventStore()
    await store.append('s', [event('a')], 'no_stream')
    const live = store.subscribe({ prefix: '', signal: new AbortController().signal })[Symbol.asyncIterator]()
    await live.next()
    const release = store.faults.holdAppends()
    const waiting = store.append('s', [event('b')], 0n)
    await clock.settle()
    store.faults.crash()
    release()
    expect(await heard(waiting)).toBe('nothing')
    expect(await heard(store.read('s', { direction: 'forwards', maxCount: 1 }))).toBe('nothing')
    const after = openMemoryEventStore(store.log)
    expect(await code(after.append('s', [event('c')], 0n))).toBe('appended')
    expect(await heard(live.next())).toBe('nothing')
    expect(store.log.events().map(({ id }) => id)).toEqual(['a', 'c'])
    await store.close()
  })
})

describe('the log', () => {
  test('a snapshot goes its own way, checkpoints too', async () => {
    const store = createMemoryEventStore({ nowMs: () => 1_700_000_000_000 })
    await store.append('s', [event('a')], 'no_stream')
    await store.save('reader', 8n)
    const copy = openMemoryEventStore(store.log.snapshot())
    await store.append('s', [event('b')], 0n)
    await copy.append('s', [event('c')], 0n)
    await store.save('reader', 16n)
    expect(store.log.events('s').map(({ id }) => id)).toEqual(['a', 'b'])
    expect(copy.log.events('s').map(({ id }) => id)).toEqual(['a', 'c'])
    expect(await copy.load('reader')).toBe(8n)
    expect(copy.log.events('s')[0]?.recordedAtMs).toBe(1_700_000_000_000)
  })

  test('keeps what JSON keeps: callers cannot change it, and what JSON cannot carry is gone', async () => {
    const store = createMemoryEventStore()
    const data = { list: [1], endless: Number.POSITIVE_INFINITY }
    await store.append('s', [{ ...event('a'), data }], 'no_stream')
    data.list.push(2)
    const [read] = await store.read('s', { direction: 'forwards', maxCount: 1 })
    expect(read?.data).toEqual({ list: [1], endless: null })
  })

  test('an empty append is a mistake of the caller', async () => {
    await expect(createMemoryEventStore().append('s', [], 'no_stream')).rejects.toThrow(TypeError)
  })
})
