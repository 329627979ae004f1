import { randomUUID } from 'node:crypto'
import type { Worker } from 'node:worker_threads'
import type { EventBatch } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { openWriter } from './connections.ts'
import { createGroupWriter } from './group-writer.ts'
import { createSqliteEventStore } from './index.ts'
import type { CommittedBatch } from './index.ts'
import { prepareAppend } from './prepare-append.ts'
import { streamHash } from './stream-hash.ts'
import { newEvent, readEverything, temporaryDataDir } from './testing/kit.ts'
import { addAppend, createGroup } from './write-group.ts'

describe('group commit', () => {
  test('appends that come together share a few transactions', async () => {
    using dataDir = temporaryDataDir()
    const batches: CommittedBatch[] = []
    await using store = await createSqliteEventStore({
      dataDir: dataDir.folder,
      onBatch: (batch) => batches.push(batch),
    })
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.append(`s-${n}`, [newEvent()], 'no_stream')))
    expect(batches.reduce((sum, batch) => sum + batch.appends, 0)).toBe(500)
    expect(batches.length).toBeLessThan(50)
    expect(batches.every((batch) => batch.durationMs > 0)).toBe(true)
  })

  test('large events that come together are all written', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    const large = () => newEvent({ data: { filler: 'x'.repeat(1024 * 1024) } })
    await Promise.all(Array.from({ length: 30 }, (_, n) => store.append(`s-${n}`, [large()], 'no_stream')))
    expect(await readEverything(store)).toHaveLength(30)
  })
})

describe('the writing thread dies', () => {
  test('appends under way fail with unknown-outcome, and the store goes on with another thread', async () => {
    using dataDir = temporaryDataDir()
    const threads: Worker[] = []
    const faults: string[] = []
    const remember = (worker: Worker): void => {
      threads.push(worker)
    }
    process.on('worker', remember)
    await using store = await createSqliteEventStore({
      dataDir: dataDir.folder,
      onFault: (error) => faults.push(error.code),
    })
    const events = Array.from({ length: 60 }, () => newEvent({ data: { filler: 'x'.repeat(50_000) } }))
    const outcomes = Promise.allSettled(events.map((event, n) => store.append(`s-${n}`, [event], 'no_stream')))
    const [thread] = threads
    await thread?.terminate()

    const results = await outcomes
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    expect(failed.length).toBeGreaterThan(0)
    for (const error of failed)
      expect(error).toMatchObject({ name: 'EventStoreError', code: 'unknown-outcome', canRetry: true })
    expect(faults).toContain('unknown-outcome')

    // The same ids again: written once, whatever became of the first try.
    for (const [n, event] of events.entries()) {
      expect(await store.append(`s-${n}`, [event], 'no_stream')).toMatchObject({ kind: 'appended', revision: 0n })
    }
    const stored = await readEverything(store)
    expect(stored.map((event) => event.id).sort()).toEqual(events.map((event) => event.id).sort())
    expect(threads).toHaveLength(2)
    process.off('worker', remember)
  })

  test('a store whose thread died with nothing under way closes as ever', async () => {
    using dataDir = temporaryDataDir()
    const thread = Promise.withResolvers<Worker>()
    process.once('worker', thread.resolve)
    const store = await createSqliteEventStore({ dataDir: dataDir.folder })
    await (await thread.promise).terminate()
    await store.close()
    await using again = await createSqliteEventStore({ dataDir: dataDir.folder })
    expect(await readEverything(again)).toEqual([])
  })
})

test('what another process wrote in spite of the lock is not taken for missing', async () => {
  using dataDir = temporaryDataDir()
  await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
  await store.append('one', [newEvent()], 'no_stream')
  const other = createGroupWriter(openWriter(dataDir.database))
  const pending = createGroup()
  for (const stream of ['two', 'three'])
    addAppend(pending, prepareAppend({ stream, events: [newEvent()], expected: 'no_stream' }, 10_000), {
      resolve: () => undefined,
      reject: () => undefined,
    })
  other.write([pending.group])
  other.close()
  expect(store.isSurelyEmpty?.('two')).toBe(true)
  // Its position is taken. What comes before there is another thread waits for that.
  await expect(store.append('four', [newEvent()], 'no_stream')).rejects.toMatchObject({ code: 'unavailable' })
  expect(await store.append('two', [newEvent()], 'no_stream')).toEqual({ kind: 'conflict', actual: 0n })
  for (const stream of ['two', 'three'])
    expect(await store.append(stream, [newEvent()], 'no_stream')).toEqual({ kind: 'conflict', actual: 0n })
  expect(store.isSurelyEmpty?.('two')).toBe(false)
  expect(await store.append('four', [newEvent()], 'no_stream')).toMatchObject({ kind: 'appended' })
})

describe('checkpoints', () => {
  test('are kept by name, replaced, and kept across a restart', async () => {
    using dataDir = temporaryDataDir()
    const store = await createSqliteEventStore({ dataDir: dataDir.folder })
    expect(await store.checkpoints.load('projector')).toBeUndefined()
    await store.checkpoints.save('projector', 5n)
    await Promise.all([store.checkpoints.save('projector', 7n), store.checkpoints.save('other', 2n ** 40n)])
    expect(await store.checkpoints.load('projector')).toBe(7n)
    await store.close()
    await expect(store.checkpoints.save('projector', 9n)).rejects.toMatchObject({ code: 'closed' })
    await using again = await createSqliteEventStore({ dataDir: dataDir.folder })
    expect(await again.checkpoints.load('projector')).toBe(7n)
    expect(await again.checkpoints.load('other')).toBe(2n ** 40n)
  })
})

describe('streams', () => {
  test('whose names share a hash are kept apart', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    const names = ['0', '1', '2'].map((last) => `command-${'ab'.repeat(6).padEnd(63, '0')}${last}`)
    expect(new Set(names.map(streamHash)).size).toBe(1)
    for (const name of names) {
      await store.append(name, [newEvent({ data: { name } })], 'no_stream')
      await store.append(name, [newEvent({ data: { name } })], 0n)
    }
    for (const name of names) {
      const events = await store.read(name, { direction: 'forwards', maxCount: 10 })
      expect(events.map(({ revision, data }) => [revision, data['name']])).toEqual([
        [0n, name],
        [1n, name],
      ])
      expect(await store.append(name, [newEvent()], 0n)).toEqual({ kind: 'conflict', actual: 1n })
    }
  })

  test.each(['', '$own', 'with\0nul', 'lone \ud800 surrogate', 'x'.repeat(1_001)])(
    'cannot be named %j',
    async (name) => {
      using dataDir = temporaryDataDir()
      await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
      await expect(store.append(name, [newEvent()], 'no_stream')).rejects.toThrow(RangeError)
      await expect(store.append('empty', [], 'no_stream')).rejects.toThrow(RangeError)
      await expect(store.append('negative', [newEvent()], -1n)).rejects.toThrow(RangeError)
      expect(await readEverything(store)).toEqual([])
    },
  )
})

describe('a subscription', () => {
  test('gives large events in small batches, whatever maxBatch says', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    const ids: string[] = []
    for (let n = 0; n < 10; n += 1) {
      const event = newEvent({ data: { filler: 'x'.repeat(1024 * 1024) } })
      ids.push(event.id)
      await store.append(`s-${n}`, [event], 'no_stream')
    }
    const batches: EventBatch[] = []
    for await (const batch of store.subscribe({ prefix: 's-', signal: new AbortController().signal, maxBatch: 500 })) {
      batches.push(batch)
      if (batch.caughtUp) break
    }
    expect(batches.flatMap((batch) => batch.events.map((event) => event.id))).toEqual(ids)
    expect(Math.max(...batches.map((batch) => batch.events.length))).toBeLessThanOrEqual(2)
  })

  test('lets the event loop turn while it catches up', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    await store.append(
      'many',
      Array.from({ length: 200 }, () => newEvent()),
      'no_stream',
    )
    let turns = 0
    const turn = (): void => {
      turns += 1
      timer = setImmediate(turn)
    }
    let timer = setImmediate(turn)
    let batches = 0
    for await (const batch of store.subscribe({ prefix: '', signal: new AbortController().signal, maxBatch: 10 })) {
      batches += 1
      if (batch.caughtUp) break
    }
    clearImmediate(timer)
    expect(batches).toBe(20)
    expect(turns).toBeGreaterThanOrEqual(batches - 1)
  })

  test('after a position that the store has not reached fails: the store is an older copy', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    await store.append('one', [newEvent()], 'no_stream')
    const iterator = store
      .subscribe({ prefix: '', after: 2n, signal: new AbortController().signal })
      [Symbol.asyncIterator]()
    await expect(iterator.next()).rejects.toThrow(/older copy/)
  })
})

test('recordedAtMs comes from the clock that was given', async () => {
  using dataDir = temporaryDataDir()
  const clock = { nowMs: () => 1_700_000_000_123, sleep: async () => undefined, schedule: () => () => undefined }
  await using store = await createSqliteEventStore({ dataDir: dataDir.folder, clock })
  const stream = `clock-${randomUUID()}`
  await store.append(stream, [newEvent()], 'no_stream')
  const [event] = await store.read(stream, { direction: 'forwards', maxCount: 1 })
  expect(event?.recordedAtMs).toBe(1_700_000_000_123)
})
