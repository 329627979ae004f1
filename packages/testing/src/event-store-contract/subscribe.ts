import type { EventBatch, RecordedEvent } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { appended, collect, expectCode, idsOf, newEvent, newEvents, readAll, unique, within } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

/** The global order: past, live, resumed, ended. */
export function describeSubscribe(factory: EventStoreContractFactory): void {
  describe('subscribe', () => {
    test('gives the past in global order, as it reads', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('past')
      const [a, b] = [`${base}-a`, `${base}-b`]
      await store.append(a, newEvents(2), 'no_stream')
      await store.append(b, newEvents(1), 'no_stream')
      await store.append(a, newEvents(1), 1n)
      await store.append(b, newEvents(2), 0n)
      const { events } = await collect(store, { prefix: base, until: (seen) => seen.events.length >= 6 })
      expect(events.map((event) => `${event.stream.slice(-1)}${event.revision}`)).toEqual([
        'a0',
        'a1',
        'b0',
        'a2',
        'b1',
        'b2',
      ])
      const read = [...(await readAll(store, a)), ...(await readAll(store, b))]
      expect(events).toEqual(read.toSorted((x, y) => (x.position < y.position ? -1 : 1)))
    })

    test('says when it has caught up, also with nothing to give', async () => {
      await using subject = await factory.open()
      const { batches } = await collect(subject.store, {
        prefix: unique('nothing'),
        until: (_, batch) => batch.caughtUp,
      })
      expect(batches.flatMap((batch) => batch.events)).toEqual([])
    })

    test('goes on live after catching up', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('live')
      const [past, live] = [newEvents(3), newEvents(3)]
      await store.append(`${base}-past`, past, 'no_stream')
      let sent = 0
      const { events } = await collect(store, {
        prefix: base,
        until: (seen) => seen.events.length >= 6,
        onBatch: async (batch) => {
          const event = live[sent]
          if (!batch.caughtUp || !event) return
          sent += 1
          await store.append(`${base}-live-${sent}`, [event], 'no_stream')
        },
      })
      expect(idsOf(events)).toEqual(idsOf([...past, ...live]))
    })

    test('live, under concurrent appends: every event once, streams in order, no gap', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('busy')
      const [writers, each] = [20, 25]
      const write = async (writer: number): Promise<void> => {
        for (let n = 0; n < each; n += 1) {
          const expected = n === 0 ? 'no_stream' : BigInt(n - 1)
          appended(await store.append(`${base}-${writer}`, [newEvent({ data: { n } })], expected))
        }
      }
      const [{ events }] = await Promise.all([
        collect(store, { prefix: base, until: (seen) => seen.events.length >= writers * each }),
        ...Array.from({ length: writers }, (_, writer) => write(writer)),
      ])
      expect(events).toHaveLength(writers * each)
      const byStream = Map.groupBy(events, (event: RecordedEvent) => event.stream)
      expect(byStream.size).toBe(writers)
      for (const stream of byStream.values()) {
        expect(stream.map((event) => event.revision)).toEqual(stream.map((_, index) => BigInt(index)))
      }
    })

    test('keeps batches within maxBatch', async () => {
      await using subject = await factory.open()
      const base = unique('small')
      const events = newEvents(25)
      await subject.store.append(base, events, 'no_stream')
      // `collect` checks the size of each batch.
      const seen = await collect(subject.store, { prefix: base, maxBatch: 7, until: (got) => got.events.length >= 25 })
      expect(idsOf(seen.events)).toEqual(idsOf(events))
    })

    test('a batch larger than the default maxBatch comes whole', async () => {
      await using subject = await factory.open()
      const base = unique('pages')
      const events = newEvents(1_200)
      await subject.store.append(`${base}-1`, events.slice(0, 700), 'no_stream')
      await subject.store.append(`${base}-2`, events.slice(700), 'no_stream')
      const seen = await collect(subject.store, { prefix: base, until: (got) => got.events.length >= 1_200 })
      expect(idsOf(seen.events)).toEqual(idsOf(events))
    })

    test('several subscriptions do not take from each other', async () => {
      await using subject = await factory.open()
      const base = unique('several')
      const events = newEvents(40)
      const all = Promise.all(
        [1, 3, 500].map((maxBatch) =>
          collect(subject.store, { prefix: base, maxBatch, until: (got) => got.events.length >= 40 }),
        ),
      )
      for (const [n, event] of events.entries()) await subject.store.append(`${base}-${n}`, [event], 'no_stream')
      for (const seen of await all) expect(idsOf(seen.events)).toEqual(idsOf(events))
    })
  })

  describe('resuming a subscription', () => {
    test('after the position of any batch: what comes next, nothing twice', async () => {
      await using subject = await factory.open()
      const base = unique('resume')
      const events = newEvents(10)
      await subject.store.append(base, events, 'no_stream')
      const whole = await collect(subject.store, { prefix: base, maxBatch: 3, until: (got) => got.events.length >= 10 })
      let delivered = 0
      for (const batch of whole.batches) {
        delivered += batch.events.length
        const rest = await collect(subject.store, {
          prefix: base,
          after: batch.position,
          until: (got, last) => last.caughtUp || got.events.length >= 10 - delivered,
        })
        expect(idsOf(rest.events)).toEqual(idsOf(events.slice(delivered)))
      }
    })

    test('after the position of an event or of an append', async () => {
      await using subject = await factory.open()
      const base = unique('after')
      const events = newEvents(3)
      const first = appended(await subject.store.append(base, events.slice(0, 2), 'no_stream'))
      await subject.store.append(base, events.slice(2), first.revision)
      const stored = await readAll(subject.store, base)
      for (const after of [first.position, stored[1]?.position ?? -1n]) {
        const rest = await collect(subject.store, { prefix: base, after, until: (got) => got.events.length >= 1 })
        expect(idsOf(rest.events)).toEqual(idsOf(events.slice(2)))
      }
    })

    test('across a restart', async () => {
      await using subject = await factory.open()
      const base = unique('restart')
      const [before, after] = [newEvents(5), newEvents(5)]
      await subject.store.append(`${base}-1`, before, 'no_stream')
      const seen = await collect(subject.store, { prefix: base, maxBatch: 3, until: (got) => got.events.length >= 3 })
      const checkpoint = seen.batches.at(-1)?.position
      const store = await subject.reopen()
      await store.append(`${base}-2`, after, 'no_stream')
      const rest = await collect(store, {
        prefix: base,
        ...(checkpoint !== undefined && { after: checkpoint }),
        until: (got) => got.events.length >= 10 - seen.events.length,
      })
      expect(idsOf([...seen.events, ...rest.events])).toEqual(idsOf([...before, ...after]))
    })

    test('after a position past the end: corrupt, for what is appended from now on would be hidden', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const { position } = appended(await store.append(unique('end'), newEvents(1), 'no_stream'))
      const after = position + 1_000_000_000_000n
      await expectCode(() => collect(store, { prefix: 'x', after, until: () => true }), 'corrupt')
    })

    test('from an empty batch: its position is a checkpoint', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('empty')
      await store.append(`${base}-other`, newEvents(20), 'no_stream')
      const idle = await collect(store, { prefix: `${base}-mine`, until: (_, batch) => batch.caughtUp })
      const checkpoint = idle.batches.at(-1)?.position ?? -1n
      const mine = newEvents(2)
      await store.append(`${base}-mine`, mine, 'no_stream')
      const rest = await collect(store, {
        prefix: `${base}-mine`,
        after: checkpoint,
        until: (got) => got.events.length >= 2,
      })
      expect(idsOf(rest.events)).toEqual(idsOf(mine))
    })
  })

  describe('a subscription ends', () => {
    test('at once when the signal has fired before', async () => {
      await using subject = await factory.open()
      const base = unique('aborted')
      await subject.store.append(base, newEvents(2), 'no_stream')
      const batches: EventBatch[] = []
      const run = async (): Promise<void> => {
        const options = { prefix: base, signal: AbortSignal.abort() }
        for await (const batch of subject.store.subscribe(options)) batches.push(batch)
      }
      await within('a subscription whose signal has fired', run())
      expect(batches).toEqual([])
    })

    test('when the signal fires while it waits', async () => {
      await using subject = await factory.open()
      const stop = new AbortController()
      const iterator = subject.store.subscribe({ prefix: unique('idle'), signal: stop.signal })[Symbol.asyncIterator]()
      let step = await within('the first batch', iterator.next())
      while (!step.done && !step.value.caughtUp) step = await within('catching up', iterator.next())
      const waiting = iterator.next()
      stop.abort()
      expect((await within('the end', waiting)).done).toBe(true)
      expect((await within('the end again', iterator.next())).done).toBe(true)
    })

    test('when its reader leaves the loop', async () => {
      await using subject = await factory.open()
      const base = unique('left')
      await subject.store.append(base, newEvents(2), 'no_stream')
      const leave = async (): Promise<void> => {
        for await (const batch of subject.store.subscribe({ prefix: base, signal: new AbortController().signal })) {
          if (batch.events.length > 0) break
        }
      }
      await within('leaving the loop', leave())
      await within('closing', subject.store.close())
    })
  })
}
