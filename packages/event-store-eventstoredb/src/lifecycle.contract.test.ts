import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { EventStoreDBClient } from '@eventstore/db-client'
import { startTemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import { describe, expect, test } from 'vitest'
import { createEventStoreDbEventStore } from './create-event-store.ts'
import {
  codeOf,
  follow,
  idsOf,
  isAppended,
  newEvent,
  newEvents,
  openBench,
  readAll,
  unique,
  until,
} from './kit.test.ts'

describe('a server that is not there', () => {
  test('appends, reads and probes fail with unavailable, which means: not written', async () => {
    await using bench = await openBench()
    await bench.standIn.current.close()
    const stream = unique('down')
    expect(await codeOf(bench.store.append(stream, newEvents(1), 'no_stream'))).toBe('unavailable')
    expect(await codeOf(readAll(bench.store, stream))).toBe('unavailable')
    expect(await codeOf(bench.store.checkWritable())).toBe('unavailable')
    expect(await codeOf(bench.store.checkpoints.save('x', 1n))).toBe('unavailable')
    await bench.standIn.restart()
    expect(await readAll(bench.store, stream)).toEqual([])
  })

  test('after it was away, appends, reads and probes work again', async () => {
    await using bench = await openBench({ adapter: { resolveTimeoutMs: 300 } })
    const stream = unique('back')
    await bench.store.append(stream, newEvents(1), 'no_stream')
    await bench.standIn.current.close()
    for (let n = 0; n < 10; n += 1) {
      expect(['unavailable', 'unknown-outcome']).toContain(await codeOf(bench.store.append(stream, newEvents(1), 0n)))
    }
    await bench.standIn.restart()
    await until('the server', async () => (await codeOf(bench.store.checkWritable())) === undefined)
    expect(isAppended(await bench.store.append(stream, newEvents(1), 0n))).toBe(true)
    expect(await readAll(bench.store, stream)).toHaveLength(2)
  })

  test('a port that takes connections and says nothing: settled by our own limits', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const store = createEventStoreDbEventStore({
      connectionString: `esdb://127.0.0.1:${port}?tls=false`,
      appendTimeoutMs: 200,
      resolveTimeoutMs: 300,
      readTimeoutMs: 200,
    })
    expect(await codeOf(store.append('x', [newEvent()], 'no_stream'))).toBe('unknown-outcome')
    expect(await codeOf(readAll(store, 'x'))).toBe('unavailable')
    await store.close()
    silent.close()
  })

  test('server features that are never answered: the client is replaced, and the next append works', async () => {
    await using bench = await openBench()
    bench.control.inject({ rpc: 'features', fault: { kind: 'no-answer', act: false } })
    const stream = unique('features')
    const events = newEvents(1)
    expect(await bench.store.append(stream, events, 'no_stream')).toMatchObject({ kind: 'appended', revision: 0n })
    expect(idsOf(await readAll(bench.store, stream))).toEqual(idsOf(events))
  })
})

describe('the leader has moved', () => {
  test('appends follow to the node that the server names', async () => {
    await using bench = await openBench()
    await using leader = await startTemporaryStandIn()
    const stream = unique('moved')
    const to = { host: '127.0.0.1', port: leader.current.port }
    bench.control.inject({ rpc: 'append', fault: { kind: 'not-leader', leader: to } })
    const events = newEvents(1)
    expect(await bench.store.append(stream, events, 'no_stream')).toMatchObject({ kind: 'appended', revision: 0n })
    const there = EventStoreDBClient.connectionString(leader.current.url)
    const ids: unknown[] = []
    for await (const { event } of there.readStream(stream)) ids.push(event?.id)
    expect(ids).toEqual(idsOf(events))
    await there.dispose()
  })

  test('reads are made again', async () => {
    await using bench = await openBench()
    const stream = unique('read')
    await bench.store.append(stream, newEvents(1), 'no_stream')
    bench.control.inject({ rpc: 'read', fault: { kind: 'not-leader' } })
    bench.control.inject({ rpc: 'read', fault: { kind: 'unavailable' } })
    expect(await readAll(bench.store, stream)).toHaveLength(1)
    expect(bench.control.pendingFaults()).toBe(0)
  })
})

describe('close', () => {
  test('ends subscriptions, and lets go of the connections', async () => {
    await using bench = await openBench()
    const store = bench.another()
    await store.append(unique('some'), newEvents(1), 'no_stream')
    await using following = follow(store, { prefix: '' })
    await until('catching up', () => following.batches.at(-1)?.caughtUp === true)
    expect(bench.control.connections()).toBe(1)
    await store.close()
    await until('the connections to go', () => bench.control.connections() === 0)
    expect(following.failure()).toBeUndefined()
  })

  test('clients that were replaced let go of their connections', async () => {
    await using bench = await openBench()
    for (let n = 0; n < 4; n += 1) {
      bench.control.inject({ rpc: 'append', fault: { kind: 'no-answer', act: false } })
      expect(isAppended(await bench.store.append(unique('round'), newEvents(1), 'no_stream'))).toBe(true)
    }
    expect(bench.warnings.filter((warning) => warning.includes('replaced'))).toHaveLength(4)
    await until('one connection', () => bench.control.connections() <= 1)
  })
})

describe('checkpoints', () => {
  test('are undefined at first, and then what was saved last', async () => {
    await using bench = await openBench()
    const { checkpoints } = bench.store
    const name = unique('reader')
    expect(await checkpoints.load(name)).toBeUndefined()
    await checkpoints.save(name, 0n)
    expect(await checkpoints.load(name)).toBe(0n)
    await Promise.all([1n, 2n, 3n, 18_446_744_073_709_551_614n].map((position) => checkpoints.save(name, position)))
    expect(await checkpoints.load(name)).toBe(18_446_744_073_709_551_614n)
    await checkpoints.save(name, 7n)
    expect(await bench.another().checkpoints.load(name)).toBe(7n)
    expect(await checkpoints.load(unique('other'))).toBeUndefined()
  })

  test('keep one event each', async () => {
    await using bench = await openBench()
    for (let n = 1n; n <= 5n; n += 1n) await bench.store.checkpoints.save('kept', n)
    expect(await readAll(bench.store, 'holdfastcheckpoint-kept')).toMatchObject([{ data: { position: '5' } }])
    expect(bench.control.scavenge()).toBe(4)
    expect(await bench.store.checkpoints.load('kept')).toBe(5n)
  })

  test('one that does not hold a position is corrupt', async () => {
    await using bench = await openBench()
    await bench.store.append('holdfastcheckpoint-odd', [newEvent({ data: { position: 5 } })], 'no_stream')
    expect(await codeOf(bench.store.checkpoints.load('odd'))).toBe('corrupt')
  })

  test('a save whose outcome is not known says so', async () => {
    await using bench = await openBench()
    bench.control.inject({ rpc: 'append', fault: { kind: 'no-answer', act: false } })
    expect(await codeOf(bench.store.checkpoints.save('silent', 1n))).toBe('unknown-outcome')
    await bench.store.checkpoints.save('silent', 2n)
    expect(await bench.store.checkpoints.load('silent')).toBe(2n)
  })
})
