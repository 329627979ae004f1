import { EventStoreDBClient } from '@eventstore/db-client'
import { describe, expect, test } from 'vitest'
import { codeOf, follow, idsOf, newEvent, newEvents, openBench, unique, until } from './kit.test.ts'
import type { Bench, Following } from './kit.test.ts'

const caughtUp = (following: Following): Promise<void> =>
  until('catching up', () => following.batches.at(-1)?.caughtUp === true)

/** Appends events one by one and returns their ids. */
async function write(bench: Bench, base: string, count: number): Promise<string[]> {
  const events = newEvents(count)
  for (const [n, event] of events.entries()) {
    const result = await bench.store.append(`${base}-${n}-${event.id}`, [event], 'no_stream')
    expect(result.kind).toBe('appended')
  }
  return idsOf(events)
}

const interruptions: readonly {
  readonly case: string
  readonly interrupt: (bench: Bench) => Promise<unknown> | void
}[] = [
  {
    case: 'all sockets close',
    interrupt: (bench) => {
      bench.control.closeConnections()
    },
  },
  {
    case: 'the server ends it cleanly',
    interrupt: (bench) => {
      bench.control.endSubscriptions()
    },
  },
  { case: 'the server is restarted', interrupt: (bench) => bench.standIn.restart() },
  {
    case: 'the server dies and starts again',
    interrupt: (bench) => {
      bench.control.die()
      return bench.standIn.restart()
    },
  },
  {
    case: 'the server is not the leader any more, for a while',
    interrupt: (bench) => {
      bench.control.inject({ rpc: 'subscribe', times: 3, fault: { kind: 'not-leader' } })
      bench.control.endSubscriptions()
    },
  },
  {
    case: 'it does not answer the next subscription',
    interrupt: (bench) => {
      bench.control.inject({ rpc: 'subscribe', fault: { kind: 'no-answer', act: false } })
      bench.control.endSubscriptions()
    },
  },
]

describe('a subscription that is interrupted goes on where it was', () => {
  test.each(interruptions)('$case', async ({ interrupt }) => {
    await using bench = await openBench({
      adapter: { readTimeoutMs: 500, appendTimeoutMs: 2_000, resolveTimeoutMs: 20_000 },
    })
    const base = unique('interrupted')
    const ids = await write(bench, base, 20)
    await using following = follow(bench.store, { prefix: base })
    await caughtUp(following)
    for (let round = 0; round < 3; round += 1) {
      await interrupt(bench)
      // The same store may be refused for a moment.
      await until('the server', async () => (await codeOf(bench.store.checkWritable())) === undefined)
      ids.push(...(await write(bench, base, 5)))
    }
    await until('all events', () => following.events.length >= ids.length)
    expect(idsOf(following.events)).toEqual(ids)
    expect(following.failure()).toBeUndefined()
  })

  test('in the middle of the past, over and over: every event once, in order', async () => {
    await using bench = await openBench()
    const base = unique('past')
    for (let n = 0; n < 10; n += 1) await bench.store.append(`${base}-${n}`, newEvents(100), 'no_stream')
    await using following = follow(bench.store, { prefix: base, maxBatch: 7 })
    let seen = 0
    await until('the past', () => {
      if (following.events.length > seen + 100) {
        seen = following.events.length
        bench.control.closeConnections()
      }
      return following.events.length >= 1_000
    })
    await caughtUp(following)
    expect(new Set(idsOf(following.events)).size).toBe(1_000)
    expect(following.events).toHaveLength(1_000)
    const positions = following.events.map(({ position }) => position)
    expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : 1)))
  })
})

describe('positions', () => {
  test.each(['looked-at', 'next'] as const)(
    'move over what does not match, and resuming from each of them loses nothing: checkpoints %s',
    async (checkpoints) => {
      await using bench = await openBench({ server: { checkpoints }, adapter: { maxSearchWindow: 10 } })
      const base = unique('sparse')
      // Checkpoints come every 100 records; what matches stands right after one of them.
      const wanted: string[] = []
      for (let n = 0; n < 4; n += 1) {
        await bench.store.append(unique('rest'), newEvents(n === 0 ? 100 : 99), 'no_stream')
        const event = newEvent()
        await bench.store.append(`${base}-${n}`, [event], 'no_stream')
        wanted.push(event.id)
      }
      await bench.store.append(unique('rest'), newEvents(150), 'no_stream')
      await using whole = follow(bench.store, { prefix: base })
      await caughtUp(whole)
      expect(idsOf(whole.events)).toEqual(wanted)
      const last = whole.events.at(-1)?.position ?? 0n
      const emptyPositions = whole.batches.filter(({ events }) => events.length === 0).map(({ position }) => position)
      expect(emptyPositions.some((position) => position > 0n && position < last)).toBe(true)
      expect(whole.batches.at(-1)?.position).toBeGreaterThan(last)
      // One more, which stands right after where catching up has ended.
      const event = newEvent()
      await bench.store.append(`${base}-last`, [event], 'no_stream')
      await bench.store.append(`${base}-end`, [event], 'no_stream')
      wanted.push(event.id, event.id)
      let delivered = 0
      for (const batch of [...whole.batches]) {
        delivered += batch.events.length
        await using rest = follow(bench.store, { prefix: base, after: batch.position })
        await caughtUp(rest)
        expect(idsOf(rest.events)).toEqual(wanted.slice(delivered))
        expect(rest.failure()).toBeUndefined()
      }
    },
  )

  test('never run ahead of events that were not given yet, however slowly they are read', async () => {
    await using bench = await openBench({ adapter: { maxSearchWindow: 5 } })
    const base = unique('ahead')
    for (let n = 0; n < 40; n += 1) {
      await bench.store.append(unique('rest'), newEvents(20), 'no_stream')
      await bench.store.append(`${base}-${n}`, newEvents(1), 'no_stream')
    }
    const turn = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 5))
    await using following = follow(bench.store, { prefix: base, maxBatch: 2, onBatch: turn })
    await until('all events', () => following.events.length === 40 || following.failure() !== undefined)
    expect(following.failure()).toBeUndefined()
  })

  test('of another log: corrupt, not an endless attempt', async () => {
    await using bench = await openBench()
    await bench.store.append(unique('some'), newEvents(3), 'no_stream')
    await using following = follow(bench.store, { prefix: 'x', after: 21n })
    await until('the failure', () => following.failure() !== undefined)
    expect(following.failure()).toMatchObject({ code: 'corrupt' })
  })
})

describe('back-pressure', () => {
  test('while nobody reads, the server stops sending', async () => {
    await using bench = await openBench()
    const base = unique('slow')
    for (let n = 0; n < 30; n += 1) {
      const events = Array.from({ length: 50 }, () => newEvent({ data: { text: 'x'.repeat(10_000) } }))
      await bench.store.append(`${base}-${n}`, events, 'no_stream')
    }
    const before = bench.control.counts().eventsSent
    const stop = new AbortController()
    const iterator = bench.store.subscribe({ prefix: base, maxBatch: 10, signal: stop.signal })[Symbol.asyncIterator]()
    let seen = 0
    let first = await iterator.next()
    while (!first.done && first.value.events.length === 0) first = await iterator.next()
    if (!first.done) seen += first.value.events.length
    let sent = -1
    await until('the server to stand still', async () => {
      const now = bench.control.counts().eventsSent
      const still = now === sent
      sent = now
      await new Promise((resolve) => setTimeout(resolve, 50))
      return still
    })
    expect(sent - before).toBeLessThan(1_000)
    while (seen < 1_500) {
      const step = await iterator.next()
      if (step.done) break
      seen += step.value.events.length
    }
    expect(seen).toBe(1_500)
    stop.abort()
    expect((await iterator.next()).done).toBe(true)
  })
})

describe('what the server is asked', () => {
  test('every call asks for the leader', async () => {
    await using bench = await openBench()
    const stream = unique('leader')
    await bench.store.append(stream, newEvents(1), 'no_stream')
    await bench.store.read(stream, { direction: 'forwards', maxCount: 1 })
    await using following = follow(bench.store, { prefix: stream })
    await caughtUp(following)
    // One call carries all appends.
    const { requiringLeader, reads, subscriptions } = bench.control.counts()
    expect(requiringLeader).toBe(1 + reads + subscriptions)
  })

  test('an empty prefix leaves out the server’s streams and the adapter’s own', async () => {
    await using bench = await openBench()
    const client = EventStoreDBClient.connectionString(bench.standIn.current.url)
    await client.setStreamMetadata(unique('some'), { maxCount: 1 })
    await client.dispose()
    await bench.store.checkWritable()
    await bench.store.checkpoints.save('reader', 5n)
    const event = newEvent()
    await bench.store.append(unique('ours'), [event], 'no_stream')
    await using following = follow(bench.store, { prefix: '' })
    await caughtUp(following)
    expect(idsOf(following.events)).toEqual([event.id])
    await using typed = follow(bench.store, { prefix: '' })
    await caughtUp(typed)
    expect(idsOf(typed.events)).toEqual([event.id])
  })
})
