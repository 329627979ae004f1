import { binaryEvent, EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { describe, expect, test } from 'vitest'
import type { Bench } from './kit.test.ts'
import { codeOf, follow, idsOf, newEvent, newEvents, openBench, readAll, unique, until } from './kit.test.ts'

/** The vendor's client, for what an operator or another application does. */
async function withClient<T>(bench: Bench, work: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
  const client = EventStoreDBClient.connectionString(`${bench.standIn.current.url}&defaultDeadline=86400000`)
  try {
    return await work(client)
  } finally {
    await client.dispose()
  }
}

describe('streams that the server hides', () => {
  test('expired: reads are empty at once, a new append conflicts with the revision, the next generation goes there', async () => {
    // A read that took this for a write which is not indexed yet would wait for an hour.
    await using bench = await openBench({ adapter: { staleReadWaitMs: 3_600_000 } })
    const stream = unique('expired')
    await bench.store.append(stream, newEvents(2), 'no_stream')
    await withClient(bench, (client) => client.setStreamMetadata(stream, { maxAge: 1 }))
    bench.control.advanceClock(5_000)
    expect(await bench.store.append(stream, newEvents(1), 'no_stream')).toEqual({ kind: 'conflict', actual: 1n })
    expect(await bench.store.read(stream, { direction: 'backwards', maxCount: 1 })).toEqual([])
    const next = newEvent()
    expect(await bench.store.append(stream, [next], 1n)).toMatchObject({ kind: 'appended', revision: 2n })
    expect(idsOf(await readAll(bench.store, stream))).toEqual([next.id])
    bench.control.scavenge()
    expect(await bench.store.append(stream, newEvents(1), 'no_stream')).toEqual({ kind: 'conflict', actual: 2n })
  })

  test('expired, the same ids again: the success that the server claims, with position 0', async () => {
    await using bench = await openBench()
    const stream = unique('expired-again')
    const events = newEvents(1)
    await bench.store.append(stream, events, 'no_stream')
    await withClient(bench, (client) => client.setStreamMetadata(stream, { maxAge: 1 }))
    bench.control.advanceClock(5_000)
    expect(await bench.store.append(stream, events, 'no_stream')).toEqual({
      kind: 'appended',
      revision: 0n,
      position: 0n,
    })
  })

  test('soft-deleted: reads are empty, a new append goes on after what was there', async () => {
    await using bench = await openBench()
    const stream = unique('deleted')
    await bench.store.append(stream, newEvents(2), 'no_stream')
    await withClient(bench, (client) => client.deleteStream(stream))
    expect(await readAll(bench.store, stream)).toEqual([])
    expect(await bench.store.append(stream, newEvents(1), 'no_stream')).toMatchObject({
      kind: 'appended',
      revision: 2n,
    })
  })

  test('tombstoned: reads are empty, appends fail for ever, its subscribers see only what was theirs', async () => {
    await using bench = await openBench()
    const stream = unique('tombstoned')
    const events = newEvents(2)
    await bench.store.append(stream, events, 'no_stream')
    await withClient(bench, (client) => client.tombstoneStream(stream))
    expect(await readAll(bench.store, stream)).toEqual([])
    expect(await codeOf(bench.store.append(stream, newEvents(1), 1n))).toBe('corrupt')
    await using following = follow(bench.store, { prefix: stream })
    await until('catching up', () => following.batches.at(-1)?.caughtUp === true)
    expect(idsOf(following.events)).toEqual(idsOf(events))
  })

  test('metadata only: an append starts the stream', async () => {
    await using bench = await openBench()
    const stream = unique('metadata')
    await withClient(bench, (client) => client.setStreamMetadata(stream, { maxCount: 10 }))
    expect(await readAll(bench.store, stream)).toEqual([])
    expect(await bench.store.append(stream, newEvents(1), 'no_stream')).toMatchObject({ revision: 0n })
  })

  test('events of other kinds, of other applications, are passed over', async () => {
    await using bench = await openBench()
    const stream = unique('mixed')
    const ours = newEvent()
    await withClient(bench, (client) =>
      client.appendToStream(
        stream,
        [
          binaryEvent({ type: 'Binary', data: Buffer.from('x') }),
          jsonEvent({ type: 'List', data: [1, 2] }),
          jsonEvent({ id: ours.id, type: 'Object', data: { a: 1 } }),
        ],
        { expectedRevision: NO_STREAM },
      ),
    )
    const stored = await readAll(bench.store, stream)
    expect(stored).toMatchObject([{ id: ours.id, revision: 2n, data: { a: 1 }, metadata: {} }])
    await using following = follow(bench.store, { prefix: stream })
    await until('catching up', () => following.batches.at(-1)?.caughtUp === true)
    expect(following.events).toEqual(stored)
  })
})

describe('what a conflict has told and the index does not show yet', () => {
  test.each(['backwards', 'forwards'] as const)('a read waits for it: %s', async (direction) => {
    await using bench = await openBench({ adapter: { appendTimeoutMs: 3_000 } })
    const stream = unique('unindexed')
    const events = newEvents(2)
    bench.control.setIndexDelay(300)
    const winner = bench.store.append(stream, events, 'no_stream')
    await until('the first append', () => bench.control.counts().batchAppends === 1)
    expect(await bench.store.append(stream, newEvents(1), 'no_stream')).toEqual({ kind: 'conflict', actual: 1n })
    const [seen] = await bench.store.read(stream, { direction, maxCount: 1 })
    expect(seen?.id).toBe(direction === 'backwards' ? events[1]?.id : events[0]?.id)
    await winner
  })

  test('a read that sees only the older part waits as well', async () => {
    await using bench = await openBench({ adapter: { appendTimeoutMs: 3_000 } })
    const stream = unique('partly')
    await bench.store.append(stream, newEvents(1), 'no_stream')
    bench.control.setIndexDelay(300)
    const second = newEvent()
    const winner = bench.store.append(stream, [second], 0n)
    await until('the second append', () => bench.control.counts().batchAppends === 2)
    expect(await bench.store.append(stream, newEvents(1), 0n)).toEqual({ kind: 'conflict', actual: 1n })
    expect((await readAll(bench.store, stream)).at(-1)?.id).toBe(second.id)
    await winner
  })

  test('not for ever: a stream that was deleted in the meantime is empty', async () => {
    await using bench = await openBench({ adapter: { staleReadWaitMs: 200 } })
    const stream = unique('gone')
    await bench.store.append(stream, newEvents(1), 'no_stream')
    await bench.store.append(stream, newEvents(1), 'no_stream')
    await withClient(bench, (client) => client.deleteStream(stream))
    expect(await readAll(bench.store, stream)).toEqual([])
  })
})

describe('sizes', () => {
  test('the server’s limit is lower than ours: event-too-large all the same, and nothing is written', async () => {
    await using bench = await openBench({ adapter: { maxEventBytes: 4_000_000 } })
    const stream = unique('large')
    const event = newEvent({ data: { text: 'x'.repeat(2_000_000) } })
    expect(await codeOf(bench.store.append(stream, [event], 'no_stream'))).toBe('event-too-large')
    expect(await readAll(bench.store, stream)).toEqual([])
  })

  test('the server’s limit was raised: larger events are taken, in more than one message', async () => {
    await using bench = await openBench({
      server: { maxAppendBytes: 16_000_000 },
      adapter: { maxEventBytes: 4_000_000, maxAppendBytes: 16_000_000, appendTimeoutMs: 10_000 },
    })
    const stream = unique('larger')
    const events = Array.from({ length: 3 }, () => newEvent({ data: { text: 'x'.repeat(2_000_000) } }))
    expect(await bench.store.append(stream, events, 'no_stream')).toMatchObject({ kind: 'appended', revision: 2n })
    expect(idsOf(await readAll(bench.store, stream))).toEqual(idsOf(events))
  })

  test('several events that are too large together are refused before they are sent', async () => {
    await using bench = await openBench()
    const events = Array.from({ length: 3 }, () => newEvent({ data: { text: 'x'.repeat(400_000) } }))
    expect(await codeOf(bench.store.append(unique('together'), events, 'no_stream'))).toBe('event-too-large')
    expect(bench.control.counts().batchAppends).toBe(0)
  })
})
