import { randomUUID } from 'node:crypto'
import type { EventData } from '@eventstore/db-client'
import { ANY, jsonEvent, NO_STREAM, STREAM_EXISTS, WrongExpectedVersionError } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Table } from './table-kit.ts'
import { appendTo, failureOf, openTable, readOf, revisionsOf, someEvent, someEvents, unique } from './table-kit.ts'

let table: Table
beforeAll(async () => {
  table = await openTable()
})
afterAll(() => table[Symbol.asyncDispose]())

const eventOfText = (length: number): EventData => jsonEvent({ type: 'Happened', data: { text: 'x'.repeat(length) } })

const ids = (events: Awaited<ReturnType<typeof readOf>>): unknown =>
  typeof events === 'string' ? events : events.map(({ event }) => event?.id)

describe('appends with an expected revision', () => {
  test('all ids already stored at expected + 1 …: success with the original revision and position, nothing written', async () => {
    const stream = unique('same')
    const [head, tail] = [someEvents(2), someEvents(2)]
    const first = await appendTo(table, stream, { events: head, expected: NO_STREAM })
    const second = await appendTo(table, stream, { events: tail, expected: 1n })
    expect(first).toMatchObject({ success: true, nextExpectedRevision: 1n })
    expect(await appendTo(table, stream, { events: head, expected: NO_STREAM })).toEqual(first)
    expect(await appendTo(table, stream, { events: tail, expected: 1n })).toEqual(second)
    expect(ids(await readOf(table, stream))).toEqual([...head, ...tail].map(({ id }) => id))
  })

  test('the position answered is that of the last event', async () => {
    const stream = unique('position')
    const { position } = await appendTo(table, stream, { events: someEvents(3), expected: NO_STREAM })
    const events = await readOf(table, stream)
    expect(typeof events === 'string' ? events : events.at(-1)?.event?.position).toEqual(position)
    expect(typeof events === 'string' ? events : events.at(-1)?.commitPosition).toBe(position?.commit)
  })

  test('the first id differs: WrongExpectedVersion', async () => {
    const stream = unique('differs')
    await appendTo(table, stream, { events: someEvents(2), expected: NO_STREAM })
    const error = await failureOf(appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM }))
    expect(error).toBeInstanceOf(WrongExpectedVersionError)
    // In batch mode there is neither a code nor a message to go by.
    expect(error).toMatchObject({
      type: 'wrong-expected-version',
      streamName: stream,
      expectedVersion: 'no_stream',
      actualVersion: 1n,
      message: '',
      code: undefined,
    })
  })

  test('an exact revision that is not the stream’s, lower or higher: WrongExpectedVersion', async () => {
    const stream = unique('exact')
    await appendTo(table, stream, { events: someEvents(3), expected: NO_STREAM })
    for (const expected of [0n, 1n, 3n, 4_000_000_000n]) {
      const error = await failureOf(appendTo(table, stream, { events: someEvents(1), expected }))
      expect(error).toMatchObject({ actualVersion: 2n, expectedVersion: expected })
    }
  })

  test('a missing stream: WrongExpectedVersion with no_stream', async () => {
    const error = await failureOf(appendTo(table, unique('missing'), { events: someEvents(1), expected: 4n }))
    expect(error).toMatchObject({ type: 'wrong-expected-version', actualVersion: 'no_stream' })
  })

  test.each([
    {
      case: 'partial overlap',
      pick: (stored: string[]) => [stored[1] ?? '', stored[2] ?? '', randomUUID()],
      expected: 0n,
    },
    { case: 'longer than what is stored', pick: (stored: string[]) => [...stored, randomUUID()], expected: NO_STREAM },
  ] as const)('$case: WrongExpectedVersion', async ({ pick, expected }) => {
    const stream = unique('corrupted')
    const stored = someEvents(3)
    await appendTo(table, stream, { events: stored, expected: NO_STREAM })
    const events = pick(stored.map(({ id }) => id)).map((id) => someEvent(id))
    const error = await failureOf(appendTo(table, stream, { events, expected }))
    expect(error).toMatchObject({ type: 'wrong-expected-version', actualVersion: 2n })
    expect(revisionsOf(await readOf(table, stream))).toEqual([0n, 1n, 2n])
  })

  test('a prefix of what is stored: success with the revision of its last', async () => {
    const stream = unique('prefix')
    const stored = someEvents(3)
    await appendTo(table, stream, { events: stored, expected: NO_STREAM })
    const again = await appendTo(table, stream, { events: stored.slice(0, 2), expected: NO_STREAM })
    expect(again).toMatchObject({ success: true, nextExpectedRevision: 1n })
  })

  test('ANY: a known id, lately written, is not written again', async () => {
    const stream = unique('any')
    const event = someEvent()
    await appendTo(table, stream, { events: [event], expected: ANY })
    await appendTo(table, stream, { events: someEvents(1), expected: ANY })
    expect(await appendTo(table, stream, { events: [event], expected: ANY })).toMatchObject({
      nextExpectedRevision: 0n,
    })
    expect(revisionsOf(await readOf(table, stream))).toEqual([0n, 1n])
  })

  test('STREAM_EXISTS: only on a stream that has events or metadata', async () => {
    const stream = unique('exists')
    const error = await failureOf(appendTo(table, stream, { events: someEvents(1), expected: STREAM_EXISTS }))
    expect(error).toMatchObject({ type: 'wrong-expected-version', actualVersion: 'no_stream' })
    await table.client.setStreamMetadata(stream, { owner: 'x' })
    expect(await appendTo(table, stream, { events: someEvents(1), expected: STREAM_EXISTS })).toMatchObject({
      nextExpectedRevision: 0n,
    })
  })

  test('all events of an append or none; many at once on one stream: one wins', async () => {
    const stream = unique('race')
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, () => appendTo(table, stream, { events: someEvents(2), expected: NO_STREAM })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(revisionsOf(await readOf(table, stream))).toEqual([0n, 1n])
  })
})

describe('sizes', () => {
  test('more than the largest append: MaximumAppendSizeExceeded, nothing written, and the call goes on', async () => {
    const stream = unique('large')
    const large = eventOfText(1024 * 1024)
    const error = await failureOf(appendTo(table, stream, { events: [large], expected: NO_STREAM }))
    expect(error).toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: 1024 * 1024 })
    const many = Array.from({ length: 5 }, () => eventOfText(250_000))
    expect(await failureOf(appendTo(table, stream, { events: many, expected: NO_STREAM }))).toMatchObject({
      type: 'maximum-append-size-exceeded',
    })
    expect(await readOf(table, stream)).toBe('stream-not-found')
    await appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM })
  })

  test('an append whose deadline has passed by the server’s clock: DeadlineExceeded at once, nothing written', async () => {
    const stream = unique('deadline')
    const options = { expectedRevision: NO_STREAM, deadline: -11_000 } as const
    const error = await failureOf(table.client.appendToStream(stream, someEvents(1), options))
    expect(error).toMatchObject({ type: 'deadline-exceeded' })
    expect(await readOf(table, stream)).toBe('stream-not-found')
  })
})

describe('unary appends, which per-call credentials bring about', () => {
  const credentials = { username: 'admin', password: 'changeit' }
  const options = { expectedRevision: NO_STREAM, credentials } as const

  test('are written, and re-appended idempotently', async () => {
    const stream = unique('unary')
    const events = someEvents(2)
    const first = await table.client.appendToStream(stream, events, options)
    expect(first).toMatchObject({ success: true, nextExpectedRevision: 1n })
    expect(await table.client.appendToStream(stream, events, options)).toEqual(first)
  })

  test('conflict with the revision', async () => {
    const stream = unique('unary-conflict')
    await table.client.appendToStream(stream, someEvents(2), options)
    expect(await failureOf(table.client.appendToStream(stream, someEvents(1), options))).toMatchObject({
      type: 'wrong-expected-version',
      actualVersion: 1n,
    })
  })

  test('too large: the client names it', async () => {
    const large = eventOfText(1024 * 1024)
    expect(await failureOf(table.client.appendToStream(unique('unary-large'), [large], options))).toMatchObject({
      type: 'maximum-append-size-exceeded',
      maxAppendSize: 1024 * 1024,
    })
  })
})
