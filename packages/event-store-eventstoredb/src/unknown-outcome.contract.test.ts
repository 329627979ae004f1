import type { AppendResult } from '@holdfast/core'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { startTemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import type { Fault } from '@holdfast/testing/eventstore-stand-in'
import { describe, expect, test } from 'vitest'
import { codeOf, idsOf, isAppended, newEvent, newEvents, openBench, readAll, unique, until } from './kit.test.ts'

const faults: readonly { readonly case: string; readonly fault: Fault }[] = [
  { case: 'written, never answered', fault: { kind: 'no-answer', act: true } },
  { case: 'not written, never answered', fault: { kind: 'no-answer', act: false } },
  { case: 'written late', fault: { kind: 'delay', ms: 450 } },
  { case: 'written, answered late', fault: { kind: 'answer-late', ms: 500 } },
  { case: 'written, the call ended without an answer', fault: { kind: 'end', act: true } },
  { case: 'not written, the call ended without an answer', fault: { kind: 'end', act: false } },
  { case: 'written, the sockets closed', fault: { kind: 'close-connections', act: true } },
  { case: 'not written, the sockets closed', fault: { kind: 'close-connections', act: false } },
  { case: 'not the leader', fault: { kind: 'not-leader' } },
  { case: 'unavailable', fault: { kind: 'unavailable' } },
  { case: 'not ready', fault: { kind: 'not-ready' } },
  { case: 'answered twice', fault: { kind: 'answer-twice', ms: 10 } },
]

// An unhandled rejection or an uncaught exception inside the client fails the whole run.
describe('one effect per key: an append whose outcome the client does not tell', () => {
  test.each(faults)('$case: it is there once, and the answer says so', async ({ fault }) => {
    await using bench = await openBench()
    const stream = unique('fault')
    const events = newEvents(2)
    await bench.store.append(unique('warm'), newEvents(1), 'no_stream')
    bench.control.inject({ rpc: 'append', stream, fault })
    const result = await bench.store.append(stream, events, 'no_stream')
    const stored = await readAll(bench.store, stream)
    expect(result).toEqual({ kind: 'appended', revision: 1n, position: stored.at(-1)?.position })
    expect(idsOf(stored)).toEqual(idsOf(events))
    // The same store goes on, after anything late has come in too.
    await until('what was late', () => bench.control.pendingFaults() === 0)
    expect(isAppended(await bench.store.append(stream, newEvents(1), 1n))).toBe(true)
    expect(await readAll(bench.store, stream)).toHaveLength(3)
  })

  test.each(faults)('$case, at an exact revision', async ({ fault }) => {
    await using bench = await openBench()
    const stream = unique('fault-exact')
    await bench.store.append(stream, newEvents(3), 'no_stream')
    const event = newEvent()
    bench.control.inject({ rpc: 'append', stream, fault })
    expect(await bench.store.append(stream, [event], 2n)).toMatchObject({ kind: 'appended', revision: 3n })
    expect(await readAll(bench.store, stream)).toHaveLength(4)
  })

  test.each([true, false])(
    'a call that ends without an answer (written: %s) is settled by that, and another is made',
    async (act) => {
      // Nothing here is settled by a time limit.
      await using bench = await openBench({ adapter: { appendTimeoutMs: 3_600_000 } })
      const stream = unique('ended')
      bench.control.inject({ rpc: 'append', stream, fault: { kind: 'end', act } })
      expect(isAppended(await bench.store.append(stream, newEvents(1), 'no_stream'))).toBe(true)
      expect(isAppended(await bench.store.append(stream, newEvents(1), 0n))).toBe(true)
      expect(bench.warnings).toEqual([])
    },
  )

  test('another took the place in the meantime: a conflict with the revision in truth', async () => {
    await using bench = await openBench()
    const stream = unique('overtaken')
    bench.control.inject({ rpc: 'append', stream, fault: { kind: 'no-answer', act: false } })
    const mine = bench.store.append(stream, newEvents(1), 'no_stream')
    await until('the first append', () => bench.control.pendingFaults() === 0)
    const theirs = newEvents(3)
    await bench.another().append(stream, theirs, 'no_stream')
    expect(await mine).toEqual({ kind: 'conflict', actual: 2n })
    expect(idsOf(await readAll(bench.store, stream))).toEqual(idsOf(theirs))
  })

  test('not to be found out in time: unknown-outcome, and the same ids resolve it later', async () => {
    // Written but never indexed: reads do not see it, and the same ids again are dropped without a reply.
    await using bench = await openBench({ adapter: { resolveTimeoutMs: 700 } })
    const stream = unique('unknown')
    const events = newEvents(2)
    bench.control.setIndexDelay(60_000)
    expect(await codeOf(bench.store.append(stream, events, 'no_stream'))).toBe('unknown-outcome')
    expect(await readAll(bench.store, stream)).toEqual([])
    bench.control.setIndexDelay(0)
    expect(await bench.store.append(stream, events, 'no_stream')).toMatchObject({ kind: 'appended', revision: 1n })
    expect(idsOf(await readAll(bench.store, stream))).toEqual(idsOf(events))
  })

  test('no time to look into it: unknown-outcome at once', async () => {
    await using bench = await openBench({ adapter: { resolveTimeoutMs: 0 } })
    bench.control.inject({ rpc: 'append', fault: { kind: 'no-answer', act: true } })
    expect(await codeOf(bench.store.append(unique('hasty'), newEvents(1), 'no_stream'))).toBe('unknown-outcome')
  })

  test('all sockets close under 300 appends of 20 kB: each is there once, each is answered', async () => {
    await using bench = await openBench({ adapter: { appendTimeoutMs: 2_000 } })
    const work = Array.from({ length: 300 }, (_, n) => ({
      stream: unique(`load-${n}`),
      event: newEvent({ data: { n, text: 'x'.repeat(20_000) } }),
    }))
    bench.control.inject({ rpc: 'append', after: 100, fault: { kind: 'close-connections', act: false } })
    bench.control.inject({ rpc: 'append', after: 200, fault: { kind: 'close-connections', act: true } })
    const results = await Promise.all(work.map(({ stream, event }) => bench.store.append(stream, [event], 'no_stream')))
    expect(results.filter(isAppended)).toHaveLength(300)
    for (const { stream, event } of work) expect(idsOf(await readAll(bench.store, stream))).toEqual([event.id])
  })

  test('the server dies under 300 appends and starts again: each is there once, each is answered', async () => {
    await using bench = await openBench({ adapter: { resolveTimeoutMs: 20_000 } })
    const work = Array.from({ length: 300 }, (_, n) => ({ stream: unique(`crash-${n}`), event: newEvent() }))
    bench.control.inject({ rpc: 'append', after: 150, fault: { kind: 'die', act: true } })
    const appends = work.map(({ stream, event }) => codeOf(bench.store.append(stream, [event], 'no_stream')))
    await until('the crash', () => bench.warnings.length > 0)
    await bench.standIn.restart()
    const results = await Promise.all(appends)
    const done = work.filter((_, n) => (results[n] as AppendResult | undefined)?.kind === 'appended')
    const refused = work.filter((_, n) => results[n] === 'unavailable')
    expect(done.length + refused.length).toBe(300)
    expect(done.length).toBeGreaterThan(150)
    for (const { stream, event } of done) expect(idsOf(await readAll(bench.store, stream))).toEqual([event.id])
    for (const { stream } of refused) expect(await readAll(bench.store, stream)).toEqual([])
  })

  test('a server whose clock is half an hour ahead does not time appends out', async () => {
    await using bench = await openBench()
    bench.control.advanceClock(1_800_000)
    expect(isAppended(await bench.store.append(unique('clock'), newEvents(1), 'no_stream'))).toBe(true)
  })
})

describe('other clients of the same process, which share a map of promises', () => {
  test('their failing call rejects our append in the client: we find out, and survive the answer that comes after', async () => {
    await using bench = await openBench({ adapter: { appendTimeoutMs: 3_000 } })
    await using other = await startTemporaryStandIn()
    const foreign = EventStoreDBClient.connectionString(other.current.url)
    await foreign.appendToStream(unique('foreign'), [jsonEvent({ type: 'A', data: {} })], {
      expectedRevision: NO_STREAM,
    })
    const stream = unique('ours')
    const events = newEvents(1)
    bench.control.inject({ rpc: 'append', stream, fault: { kind: 'answer-late', ms: 400 } })
    const ours = bench.store.append(stream, events, 'no_stream')
    await until('our append', () => bench.control.pendingFaults() === 0)
    other.current.control.closeConnections()
    expect(await ours).toMatchObject({ kind: 'appended', revision: 0n })
    expect(idsOf(await readAll(bench.store, stream))).toEqual(idsOf(events))
    // The late answer comes to a map that was cleared.
    await until('the late answer', () => bench.notes.includes('an answer to an append that nobody waits for'))
    expect(isAppended(await bench.store.append(stream, newEvents(1), 0n))).toBe(true)
    await foreign.dispose()
  })

  test('our failing call leaves their appends alone', async () => {
    await using bench = await openBench()
    await using other = await startTemporaryStandIn()
    const foreign = EventStoreDBClient.connectionString(other.current.url)
    other.current.control.inject({ rpc: 'append', fault: { kind: 'answer-late', ms: 300 } })
    const event = jsonEvent({ type: 'A', data: {} })
    const theirs = foreign.appendToStream(unique('theirs'), [event], { expectedRevision: NO_STREAM })
    await until('their append', () => other.current.control.pendingFaults() === 0)
    bench.control.inject({ rpc: 'append', fault: { kind: 'close-connections', act: true } })
    await bench.store.append(unique('ours'), newEvents(1), 'no_stream')
    expect(await theirs).toMatchObject({ success: true })
    await foreign.dispose()
  })
})
