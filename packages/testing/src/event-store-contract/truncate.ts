import { describe, expect, test } from 'vitest'
import { appended, collect, expectCode, idsOf, newEvent, newEvents, readAll, unique } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

/** The removal of history. */
export function describeTruncate(factory: EventStoreContractFactory): void {
  describe('truncate', () => {
    test('what stands below the revision is gone, whichever way it is read; the rest stays as it is', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const stream = unique('truncated')
      const events = newEvents(5)
      await store.append(stream, events, 'no_stream')
      const before = await readAll(store, stream)
      await store.truncate(stream, 3n)
      expect(await readAll(store, stream)).toEqual(before.slice(3))
      expect(await store.read(stream, { direction: 'backwards', maxCount: 10 })).toEqual(before.slice(3).reverse())
      expect(await store.read(stream, { direction: 'backwards', from: 2n, maxCount: 10 })).toEqual([])
      expect(await store.read(stream, { direction: 'forwards', from: 1n, maxCount: 1 })).toMatchObject([
        { revision: 3n },
      ])
    })

    test('the last event stays, and with it the revision that the next append expects', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const stream = unique('last')
      const events = newEvents(3)
      await store.append(stream, events, 'no_stream')
      await store.truncate(stream, 1_000n)
      expect(idsOf(await readAll(store, stream))).toEqual([events[2]?.id])
      expect(await store.append(stream, newEvents(1), 'no_stream')).toEqual({ kind: 'conflict', actual: 2n })
      const next = newEvent()
      expect(appended(await store.append(stream, [next], 2n)).revision).toBe(3n)
      expect(idsOf(await readAll(store, stream))).toEqual([events[2]?.id, next.id])
    })

    test('again, further, and with less: never gives back what was removed', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const stream = unique('again')
      const events = newEvents(6)
      await store.append(stream, events, 'no_stream')
      for (const before of [2n, 2n, 4n, 1n]) await store.truncate(stream, before)
      expect(idsOf(await readAll(store, stream))).toEqual(idsOf(events.slice(4)))
    })

    test('of a stream that has nothing to remove: nothing happens', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const stream = unique('none')
      await store.truncate(stream, 5n)
      expect(await readAll(store, stream)).toEqual([])
      const event = newEvent()
      expect(appended(await store.append(stream, [event], 'no_stream')).revision).toBe(0n)
      await store.truncate(stream, 0n)
      expect(idsOf(await readAll(store, stream))).toEqual([event.id])
    })

    test('many at a time, of other streams than those that are written: each stream keeps its own', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('many')
      const streams = Array.from({ length: 20 }, (_, n) => `${base}-${n}`)
      await Promise.all(streams.map((stream) => store.append(stream, newEvents(4), 'no_stream')))
      await Promise.all(
        streams.flatMap((stream, n) => [
          ...(n % 2 === 0 ? [store.truncate(stream, 3n)] : []),
          store.append(stream, newEvents(1), 3n),
        ]),
      )
      for (const [n, stream] of streams.entries())
        expect((await readAll(store, stream)).map(({ revision }) => revision)).toEqual(
          n % 2 === 0 ? [3n, 4n] : [0n, 1n, 2n, 3n, 4n],
        )
    })

    test('a restart keeps it; subscriptions resume, and deliver what stayed', async () => {
      await using subject = await factory.open()
      const stream = unique('restarted')
      const events = newEvents(4)
      const first = appended(await subject.store.append(stream, events.slice(0, 1), 'no_stream'))
      await subject.store.append(stream, events.slice(1), 0n)
      await subject.store.truncate(stream, 3n)
      const store = await subject.reopen()
      expect(idsOf(await readAll(store, stream))).toEqual(idsOf(events.slice(3)))
      const isLast = (id: string | undefined): boolean => id === events[3]?.id
      const seen = await collect(store, {
        prefix: stream,
        after: first.position,
        until: (got) => isLast(got.events.at(-1)?.id),
      })
      // EventStoreDB delivers the removed ones until its scavenge; nothing else, and nothing twice.
      expect(idsOf(events.slice(1))).toEqual(expect.arrayContaining(idsOf(seen.events)))
    })

    test('a closed store refuses', async () => {
      await using subject = await factory.open()
      await subject.store.close()
      await expectCode(() => subject.store.truncate(unique('late'), 1n), 'closed')
    })
  })
}
