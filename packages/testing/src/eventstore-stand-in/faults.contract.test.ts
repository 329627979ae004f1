import { credentials, Metadata } from '@grpc/grpc-js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import streams from '@eventstore/db-client/generated/streams_grpc_pb.js'
import messages from '@eventstore/db-client/generated/streams_pb.js'
import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js'
import type { Position } from '@eventstore/db-client'
import { EventStoreDBClient, NO_STREAM, START, streamNameFilter } from '@eventstore/db-client'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TemporaryStandIn } from './temporary-stand-in.ts'
import { startTemporaryStandIn } from './temporary-stand-in.ts'
import { appendTo, failureOf, readOf, revisionsOf, someEvents, typeOf, unique, until } from './table-kit.ts'

let standIn: TemporaryStandIn
let client: EventStoreDBClient
const at = (): { client: EventStoreDBClient } => ({ client })

beforeEach(async () => {
  standIn = await startTemporaryStandIn({ writeTimeoutMs: 300 })
  client = EventStoreDBClient.connectionString(standIn.current.url)
})
afterEach(async () => {
  await client.dispose()
  await standIn[Symbol.asyncDispose]()
})

const append = (stream: string): ReturnType<typeof appendTo> =>
  appendTo(at(), stream, { events: someEvents(1), expected: NO_STREAM })

/** Clients of one process share connections and their back-off: a new one, too, meets the old connection's failure. */
const connected = (by: EventStoreDBClient): Promise<void> =>
  until('a connection', async () => (await readOf({ client: by }, 'any')) === 'stream-not-found')

/** A batch append of which the answers are seen one by one, which the client does not survive when there are two. */
function rawAppend(stream: string): {
  readonly answers: BatchAppendResp[]
  readonly ended: () => boolean
  cancel(): void
} {
  const raw = new streams.StreamsClient(`127.0.0.1:${standIn.current.port}`, credentials.createInsecure())
  const call = raw.batchAppend(new Metadata())
  const answers: BatchAppendResp[] = []
  let ended = false
  call.on('data', (answer: BatchAppendResp) => answers.push(answer))
  call.on('error', () => undefined)
  call.on('end', () => (ended = true))
  const message = new messages.BatchAppendReq.ProposedMessage().setId(new shared.UUID().setString(randomUUID()))
  message.getMetadataMap().set('type', 'Happened').set('content-type', 'application/json')
  const identifier = new shared.StreamIdentifier().setStreamName(Buffer.from(stream))
  call.write(
    new messages.BatchAppendReq()
      .setCorrelationId(new shared.UUID().setString(randomUUID()))
      .setOptions(new messages.BatchAppendReq.Options().setStreamIdentifier(identifier))
      .setProposedMessagesList([message])
      .setIsFinal(true),
  )
  return {
    answers,
    ended: () => ended,
    cancel() {
      call.cancel()
      raw.close()
    },
  }
}

describe('told to, the stand-in', () => {
  test('writes late', async () => {
    const stream = unique('delay')
    standIn.current.control.inject({ rpc: 'append', fault: { kind: 'delay', ms: 150 } })
    const work = append(stream)
    await until('the request', () => standIn.current.control.pendingFaults() === 0)
    expect(await readOf(at(), stream)).toBe('stream-not-found')
    expect(await work).toMatchObject({ success: true })
  })

  test('writes at once and answers late', async () => {
    const stream = unique('late')
    standIn.current.control.inject({ rpc: 'append', fault: { kind: 'answer-late', ms: 200 } })
    let answered = false
    const work = append(stream).then(() => (answered = true))
    await until('the event', async () => typeof (await readOf(at(), stream)) !== 'string')
    expect(answered).toBe(false)
    await work
  })

  test('answers twice', async () => {
    standIn.current.control.inject({ rpc: 'append', fault: { kind: 'answer-twice', ms: 20 } })
    const raw = rawAppend(unique('twice'))
    await until('two answers', () => raw.answers.length === 2)
    expect(raw.answers[0]?.toObject()).toEqual(raw.answers[1]?.toObject())
    raw.cancel()
  })

  test.each([true, false])(
    'never answers (written: %s); the client waits for ever, other appends go on',
    async (act) => {
      const stream = unique('silent')
      standIn.current.control.inject({ rpc: 'append', stream, fault: { kind: 'no-answer', act } })
      let settled = false
      void append(stream).then(
        () => (settled = true),
        () => (settled = true),
      )
      await until('the request', () => standIn.current.control.pendingFaults() === 0)
      expect(await append(unique('other'))).toMatchObject({ success: true })
      const expected = act ? [0n] : 'stream-not-found'
      await until('the outcome', async () => String(revisionsOf(await readOf(at(), stream))) === String(expected))
      expect(settled).toBe(false)
    },
  )

  test.each([true, false])('ends the call without an answer (written: %s)', async (act) => {
    const stream = unique('end')
    standIn.current.control.inject({ rpc: 'append', fault: { kind: 'end', act } })
    const raw = rawAppend(stream)
    await until('the end', () => raw.ended())
    expect(raw.answers).toEqual([])
    expect(revisionsOf(await readOf(at(), stream))).toEqual(act ? [0n] : 'stream-not-found')
    raw.cancel()
  })

  test('refuses: not the leader, and names it', async () => {
    standIn.current.control.inject({ rpc: 'append', fault: { kind: 'not-leader' } })
    expect(await failureOf(append(unique('leader')))).toMatchObject({
      type: 'not-leader',
      leader: { address: '127.0.0.1', port: standIn.current.port },
    })
    expect(await append(unique('leader-now'))).toMatchObject({ success: true })
  })

  test.each([
    { fault: 'unavailable', type: 'unavailable' },
    { fault: 'not-ready', type: 'unknown' },
  ] as const)('refuses: $fault', async ({ fault, type }) => {
    standIn.current.control.inject({ rpc: 'append', fault: { kind: fault } })
    expect(typeOf(await failureOf(append(unique('refused'))))).toBe(type)
  })

  test('refuses reads and subscriptions', async () => {
    standIn.current.control.inject({ rpc: 'read', fault: { kind: 'unavailable' } })
    expect(await readOf(at(), 'any')).toBe('unavailable')
    standIn.current.control.inject({ rpc: 'subscribe', fault: { kind: 'not-leader' } })
    const run = async (): Promise<void> => {
      for await (const _ of client.subscribeToAll()) break
    }
    expect(typeOf(await failureOf(run()))).toBe('not-leader')
  })

  test('says that it does not know server features: the client appends by unary calls', async () => {
    await standIn.restart({ batchAppend: false })
    expect(await append(unique('unary'))).toMatchObject({ success: true })
    expect(standIn.current.control.counts()).toMatchObject({ batchAppends: 0, unaryAppends: 1 })
  })

  test('closes all sockets', async () => {
    await append(unique('before'))
    standIn.current.control.inject({ rpc: 'append', fault: { kind: 'close-connections', act: true } })
    const stream = unique('closed')
    expect(typeOf(await failureOf(append(stream)))).toBe('unavailable')
    await until('the written event', async () => typeof (await readOf(at(), stream)) !== 'string')
  })

  test('ends subscriptions cleanly', async () => {
    const subscription = client.subscribeToAll()
    const ended = new Promise((resolve) => subscription.once('end', resolve))
    subscription.resume()
    await new Promise((resolve) => subscription.once('caughtUp', resolve))
    standIn.current.control.endSubscriptions()
    await ended
  })

  test('strikes only what a rule names, as often as it says', async () => {
    standIn.current.control.inject({
      rpc: 'append',
      stream: 'named-',
      times: 2,
      after: 1,
      fault: { kind: 'not-ready' },
    })
    const outcome = async (stream: string): Promise<boolean> =>
      append(unique(stream)).then(
        () => true,
        () => false,
      )
    expect(await outcome('other')).toBe(true)
    const named = [await outcome('named'), await outcome('named'), await outcome('named'), await outcome('named')]
    expect(named).toEqual([true, false, false, true])
  })
})

describe('indexed late', () => {
  test('an append conflicts at once with what a read does not see yet', async () => {
    const stream = unique('unindexed')
    standIn.current.control.setIndexDelay(200)
    const first = append(stream)
    await until('the first append', () => standIn.current.control.counts().batchAppends === 1)
    expect(await failureOf(append(stream))).toMatchObject({ actualVersion: 0n })
    expect(await readOf(at(), stream)).toBe('stream-not-found')
    await first
    expect(revisionsOf(await readOf(at(), stream))).toEqual([0n])
  })

  test('the same ids again are dropped without a reply, until the time is up', async () => {
    const stream = unique('dropped')
    const events = someEvents(1)
    standIn.current.control.setIndexDelay(60_000)
    const again = { events, expected: NO_STREAM } as const
    const first = failureOf(appendTo(at(), stream, again))
    const second = failureOf(appendTo(at(), stream, again))
    expect(await first).toMatchObject({ type: 'deadline-exceeded' })
    expect(await second).toMatchObject({ type: 'deadline-exceeded' })
    expect(await readOf(at(), stream)).toBe('stream-not-found')
    standIn.current.control.setIndexDelay(0)
    expect(await appendTo(at(), stream, again)).toMatchObject({ nextExpectedRevision: 0n })
    expect(revisionsOf(await readOf(at(), stream))).toEqual([0n])
  })
})

describe('with checkpoints as up to 22.10', () => {
  test('the one told on catching up is the end of the log; resumed from it as it is, the next event is lost', async () => {
    await standIn.restart({ checkpoints: 'next' })
    await connected(client)
    const base = unique('old')
    await append(`${base}-1`)
    const checkpoints: Position[] = []
    const watch = async (from: Position | typeof START, want: string): Promise<string[]> => {
      const checkpointReached = (_: unknown, position: Position): void => {
        checkpoints.push(position)
      }
      const filter = streamNameFilter({ prefixes: [base], checkpointReached })
      const subscription = client.subscribeToAll({ fromPosition: from, filter })
      const seen: string[] = []
      subscription.on('data', ({ event }) => seen.push(event?.streamId ?? ''))
      subscription.on('caughtUp', () => seen.push('caughtUp'))
      await until(want, () => seen.includes(want))
      await subscription.unsubscribe()
      return seen
    }
    await watch(START, 'caughtUp')
    const [end] = checkpoints
    expect(end?.prepare).toBe(0n)
    await append(`${base}-2`)
    await append(`${base}-3`)
    expect(await watch(end ?? START, 'caughtUp')).toEqual([`${base}-3`, 'caughtUp'])
  })
})

describe('an acknowledged append is never lost', () => {
  test('the stand-in dies in the middle of appends, and starts again on its file', async () => {
    const names = Array.from({ length: 300 }, (_, n) => unique(`crash-${n}`))
    standIn.current.control.inject({ rpc: 'append', after: 120, fault: { kind: 'die', act: false } })
    const results = await Promise.allSettled(names.map((name) => append(name)))
    const acknowledged = names.filter((_, n) => results[n]?.status === 'fulfilled')
    await standIn.restart()
    const after = EventStoreDBClient.connectionString(standIn.current.url)
    await connected(after)
    for (const name of acknowledged) expect(revisionsOf(await readOf({ client: after }, name))).toEqual([0n])
    await after.dispose()
  })

  test('a restart keeps metadata, deletions, tombstones, scavenges and the ids', async () => {
    const [expired, deleted, tombstoned] = [unique('expired'), unique('deleted'), unique('tombstoned')]
    const events = someEvents(3)
    for (const stream of [expired, deleted, tombstoned]) await appendTo(at(), stream, { events, expected: NO_STREAM })
    await client.setStreamMetadata(expired, { truncateBefore: 3 })
    await client.deleteStream(deleted)
    await client.tombstoneStream(tombstoned)
    standIn.current.control.scavenge()
    await standIn.restart()
    const after = { client: EventStoreDBClient.connectionString(standIn.current.url) }
    await connected(after.client)
    expect(await readOf(after, expired)).toEqual([])
    expect(await readOf(after, deleted)).toBe('stream-not-found')
    expect(await readOf(after, tombstoned)).toBe('stream-deleted')
    expect(await failureOf(appendTo(after, expired, { events, expected: NO_STREAM }))).toMatchObject({
      actualVersion: 2n,
    })
    expect(await appendTo(after, expired, { events: events.slice(2), expected: 1n })).toMatchObject({
      nextExpectedRevision: 2n,
    })
    await after.client.dispose()
  })
})
