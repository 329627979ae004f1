import { BACKWARDS, END, FORWARDS, jsonEvent, NO_STREAM, STREAM_EXISTS } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Table } from './table-kit.ts'
import {
  appendTo,
  failureOf,
  openTable,
  outliveOneSecond,
  readOf,
  revisionsOf,
  someEvents,
  typeOf,
  unique,
} from './table-kit.ts'

let table: Table
beforeAll(async () => {
  table = await openTable()
})
afterAll(() => table[Symbol.asyncDispose]())

/** A stream of `count` events, and the ids of them. */
async function streamOf(
  label: string,
  count: number,
): Promise<{ stream: string; events: ReturnType<typeof someEvents> }> {
  const stream = unique(label)
  const events = someEvents(count)
  await appendTo(table, stream, { events, expected: NO_STREAM })
  return { stream, events }
}

describe('expired streams', () => {
  test('every event past $maxAge: read gives zero events, NO_STREAM conflicts with n', async () => {
    const { stream } = await streamOf('expired', 3)
    await table.client.setStreamMetadata(stream, { maxAge: 1 })
    await outliveOneSecond(table, stream)
    expect(await readOf(table, stream)).toEqual([])
    expect(await failureOf(appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM }))).toMatchObject({
      type: 'wrong-expected-version',
      actualVersion: 2n,
    })
  })

  test('… the same id as event 0: silent success, nothing written, no position', async () => {
    const { stream, events } = await streamOf('expired-same', 1)
    await table.client.setStreamMetadata(stream, { maxAge: 1 })
    await outliveOneSecond(table, stream)
    const again = await appendTo(table, stream, { events, expected: NO_STREAM })
    expect(again).toMatchObject({ success: true, nextExpectedRevision: 0n, position: undefined })
    expect(await readOf(table, stream)).toEqual([])
  })

  test('… the exact revision takes the next event, which is read alone', async () => {
    const { stream } = await streamOf('expired-next', 2)
    await table.client.setStreamMetadata(stream, { maxAge: 1 })
    await outliveOneSecond(table, stream)
    expect(await appendTo(table, stream, { events: someEvents(1), expected: 1n })).toMatchObject({
      nextExpectedRevision: 2n,
    })
    expect(revisionsOf(await readOf(table, stream))).toEqual([2n])
  })

  test('every event below $tb: read gives zero events, NO_STREAM conflicts with n', async () => {
    const { stream } = await streamOf('truncated', 3)
    await table.client.setStreamMetadata(stream, { truncateBefore: 3 })
    expect(await readOf(table, stream)).toEqual([])
    expect(await failureOf(appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM }))).toMatchObject({
      actualVersion: 2n,
    })
  })

  test('$maxCount hides all but the last', async () => {
    const { stream } = await streamOf('counted', 5)
    await table.client.setStreamMetadata(stream, { maxCount: 2 })
    expect(revisionsOf(await readOf(table, stream))).toEqual([3n, 4n])
  })

  test('$all still gives what has expired', async () => {
    const { stream, events } = await streamOf('expired-all', 1)
    await table.client.setStreamMetadata(stream, { maxAge: 1 })
    await outliveOneSecond(table, stream)
    const ids: unknown[] = []
    for await (const { event } of table.client.readAll()) if (event?.streamId === stream) ids.push(event.id)
    expect(ids).toEqual(events.map(({ id }) => id))
  })
})

describe('deleted streams', () => {
  test('soft-deleted: StreamNotFound; NO_STREAM with new ids goes on at n + 1 and shows only that', async () => {
    const { stream } = await streamOf('deleted', 2)
    await table.client.deleteStream(stream)
    expect(await readOf(table, stream)).toBe('stream-not-found')
    expect(await appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM })).toMatchObject({
      nextExpectedRevision: 2n,
    })
    expect(revisionsOf(await readOf(table, stream))).toEqual([2n])
  })

  test('soft-deleted: NO_STREAM with old ids is an idempotent success, and the stream stays deleted', async () => {
    const { stream, events } = await streamOf('deleted-same', 2)
    await table.client.deleteStream(stream)
    expect(await appendTo(table, stream, { events, expected: NO_STREAM })).toMatchObject({ nextExpectedRevision: 1n })
    expect(await readOf(table, stream)).toBe('stream-not-found')
  })

  test('soft-deleted: STREAM_EXISTS is StreamDeleted', async () => {
    const { stream } = await streamOf('deleted-exists', 1)
    await table.client.deleteStream(stream)
    expect(await failureOf(appendTo(table, stream, { events: someEvents(1), expected: STREAM_EXISTS }))).toMatchObject({
      type: 'stream-deleted',
      streamName: stream,
    })
  })

  test('deleteStream replaces all metadata: $maxAge is lost', async () => {
    const { stream } = await streamOf('deleted-metadata', 1)
    await table.client.setStreamMetadata(stream, { maxAge: 60, owner: 'x' })
    await table.client.deleteStream(stream)
    const { metadata } = await table.client.getStreamMetadata(stream)
    expect(Object.keys(metadata ?? {})).toEqual(['truncateBefore'])
  })

  test('setStreamMetadata undeletes: what comes next is visible, what was before is not', async () => {
    const { stream } = await streamOf('undeleted', 2)
    await table.client.deleteStream(stream)
    await table.client.setStreamMetadata(stream, { owner: 'x' })
    expect(await readOf(table, stream)).toEqual([])
    expect((await table.client.getStreamMetadata(stream)).metadata).toEqual({ owner: 'x', truncateBefore: 2 })
  })

  test('deleting at a wrong revision, or what never was: WrongExpectedVersion', async () => {
    const { stream } = await streamOf('deleted-wrong', 2)
    expect(await failureOf(table.client.deleteStream(stream, { expectedRevision: 0n }))).toMatchObject({
      type: 'wrong-expected-version',
      streamName: stream,
      actualVersion: 1n,
    })
    expect(await failureOf(table.client.deleteStream(unique('never')))).toMatchObject({
      type: 'wrong-expected-version',
    })
  })

  test('tombstoned: StreamDeleted for ever, to appends, reads and deletions', async () => {
    const { stream, events } = await streamOf('tombstone', 1)
    await table.client.tombstoneStream(stream)
    expect(await failureOf(appendTo(table, stream, { events, expected: NO_STREAM }))).toMatchObject({
      type: 'stream-deleted',
    })
    expect(await failureOf(appendTo(table, stream, { events: someEvents(1), expected: 0n }))).toMatchObject({
      type: 'stream-deleted',
    })
    expect(await readOf(table, stream)).toBe('stream-deleted')
    expect(typeOf(await failureOf(table.client.deleteStream(stream)))).toBe('stream-deleted')
  })
})

describe('streams without events', () => {
  test('metadata only: NO_STREAM is fine, read is StreamNotFound', async () => {
    const stream = unique('metadata')
    await table.client.setStreamMetadata(stream, { maxCount: 3 })
    expect(await readOf(table, stream)).toBe('stream-not-found')
    expect(await appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM })).toMatchObject({
      nextExpectedRevision: 0n,
    })
  })

  test('never written: StreamNotFound, with the name', async () => {
    const stream = unique('nothing')
    const read = async (): Promise<void> => {
      for await (const _ of table.client.readStream(stream)) break
    }
    expect(await failureOf(read())).toMatchObject({ type: 'stream-not-found', streamName: stream })
  })
})

describe('reads', () => {
  test('forwards and backwards, from revisions, with a count', async () => {
    const { stream } = await streamOf('reads', 5)
    const cases = [
      { options: { direction: FORWARDS, fromRevision: 2n, maxCount: 2 }, revisions: [2n, 3n] },
      { options: { direction: FORWARDS, fromRevision: 9n }, revisions: [] },
      { options: { direction: BACKWARDS, fromRevision: END, maxCount: 2 }, revisions: [4n, 3n] },
      { options: { direction: BACKWARDS, fromRevision: 1n }, revisions: [1n, 0n] },
    ] as const
    for (const { options, revisions } of cases) {
      const seen: unknown[] = []
      for await (const { event } of table.client.readStream(stream, options)) seen.push(event?.revision)
      expect(seen).toEqual(revisions)
    }
  })

  test('content, metadata, times and ids come back; created is a time in milliseconds', async () => {
    const stream = unique('content')
    const sent = jsonEvent({ type: 'OrderPlaced', data: { text: 'é漢🙂' }, metadata: { tenant: 'a' } })
    await appendTo(table, stream, { events: [sent], expected: NO_STREAM })
    const events = await readOf(table, stream)
    const read = typeof events === 'string' ? undefined : events[0]
    expect(read?.event).toMatchObject({
      id: sent.id,
      type: sent.type,
      data: sent.data,
      metadata: { tenant: 'a' },
      isJson: true,
    })
    const created = read?.event?.created.getTime() ?? NaN
    expect(Math.abs(created - Date.now())).toBeLessThan(60_000)
  })

  test('$all, forwards and backwards, is in the order of positions', async () => {
    const { stream } = await streamOf('all', 3)
    const order: unknown[] = []
    for await (const { event } of table.client.readAll()) if (event?.streamId === stream) order.push(event.revision)
    expect(order).toEqual([0n, 1n, 2n])
    const back: unknown[] = []
    const options = { direction: BACKWARDS, fromPosition: END } as const
    for await (const { event } of table.client.readAll(options))
      if (event?.streamId === stream) back.push(event.revision)
    expect(back).toEqual([2n, 1n, 0n])
  })

  test('$all from where no record stands: refused', async () => {
    const { stream } = await streamOf('invalid', 1)
    const events = await readOf(table, stream)
    const commit = typeof events === 'string' ? 0n : (events[0]?.commitPosition ?? 0n) + 3n
    const run = async (): Promise<void> => {
      for await (const _ of table.client.readAll({ fromPosition: { commit, prepare: commit } })) break
    }
    expect(await failureOf(run())).toMatchObject({ type: 'unknown', code: 3 })
  })
})

describe.skipIf(process.env['HOLDFAST_EVENTSTORE_URL'] !== undefined)(
  'a scavenge (only where it can be commanded)',
  () => {
    test('keeps the last event of an expired stream: it never becomes a missing stream again', async ({ skip }) => {
      if (table.server.kind !== 'stand-in') return skip()
      const { stream, events } = await streamOf('scavenged', 3)
      await table.client.setStreamMetadata(stream, { maxAge: 1 })
      await outliveOneSecond(table, stream)
      expect(table.server.control.scavenge()).toBeGreaterThanOrEqual(2)
      expect(await readOf(table, stream)).toEqual([])
      const left: unknown[] = []
      for await (const { event } of table.client.readAll()) if (event?.streamId === stream) left.push(event.revision)
      expect(left).toEqual([2n])
      // Idempotency by event id ends here: event 0 is gone.
      expect(
        await failureOf(appendTo(table, stream, { events: events.slice(0, 1), expected: NO_STREAM })),
      ).toMatchObject({
        type: 'wrong-expected-version',
        actualVersion: 2n,
      })
      // The last event is still there to be recognised.
      expect(await appendTo(table, stream, { events: events.slice(2), expected: 1n })).toMatchObject({
        nextExpectedRevision: 2n,
      })
    })
  },
)
