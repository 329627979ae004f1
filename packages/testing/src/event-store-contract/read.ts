import type { ReadOptions } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { newEvent, newEvents, readAll, unique } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

/** Reads of one stream. */
export function describeRead(factory: EventStoreContractFactory): void {
  describe('read', () => {
    test.each<{ readonly case: string; readonly options: ReadOptions; readonly revisions: readonly bigint[] }>([
      { case: 'all, forwards', options: { direction: 'forwards', maxCount: 100 }, revisions: [0n, 1n, 2n, 3n, 4n] },
      { case: 'all, backwards', options: { direction: 'backwards', maxCount: 100 }, revisions: [4n, 3n, 2n, 1n, 0n] },
      {
        case: 'exactly as many as there are',
        options: { direction: 'forwards', maxCount: 5 },
        revisions: [0n, 1n, 2n, 3n, 4n],
      },
      { case: 'the first', options: { direction: 'forwards', maxCount: 1 }, revisions: [0n] },
      { case: 'the last', options: { direction: 'backwards', maxCount: 1 }, revisions: [4n] },
      { case: 'forwards from', options: { direction: 'forwards', from: 2n, maxCount: 2 }, revisions: [2n, 3n] },
      { case: 'forwards from the last', options: { direction: 'forwards', from: 4n, maxCount: 9 }, revisions: [4n] },
      { case: 'forwards from past the end', options: { direction: 'forwards', from: 5n, maxCount: 9 }, revisions: [] },
      { case: 'backwards from', options: { direction: 'backwards', from: 2n, maxCount: 2 }, revisions: [2n, 1n] },
      { case: 'backwards from the first', options: { direction: 'backwards', from: 0n, maxCount: 9 }, revisions: [0n] },
    ])('$case', async ({ options, revisions }) => {
      await using subject = await factory.open()
      const stream = unique('read')
      // In two appends, with another stream between them: revisions are contiguous, positions are not.
      await subject.store.append(stream, newEvents(3), 'no_stream')
      await subject.store.append(unique('between'), newEvents(2), 'no_stream')
      await subject.store.append(stream, newEvents(2), 2n)
      const events = await subject.store.read(stream, options)
      expect(events.map((event) => event.revision)).toEqual(revisions)
      expect(events.every((event) => event.stream === stream)).toBe(true)
    })

    test.each<ReadOptions>([
      { direction: 'forwards', maxCount: 1 },
      { direction: 'forwards', from: 3n, maxCount: 10 },
      { direction: 'backwards', maxCount: 1 },
      { direction: 'backwards', from: 3n, maxCount: 10 },
    ])('a missing stream is empty: $direction', async (options) => {
      await using subject = await factory.open()
      expect(await subject.store.read(unique('missing'), options)).toEqual([])
    })

    test('where it tells the last event of a stream at once, that is the one which a read finds', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const streams = [unique('missing'), unique('one'), unique('several')]
      await store.append(streams[1] ?? '', newEvents(1), 'no_stream')
      await store.append(streams[2] ?? '', newEvents(3), 'no_stream')
      await store.append(streams[2] ?? '', newEvents(2), 2n)
      for (const stream of streams) {
        const [event] = await store.read(stream, { direction: 'backwards', maxCount: 1 })
        const { revision, position, recordedAtMs, metadata } = event ?? {}
        if (store.last === undefined) continue
        expect(store.last(stream)).toEqual(event && { stream, revision, position, recordedAtMs, metadata })
      }
    })

    test('a long stream is read whole', async () => {
      await using subject = await factory.open()
      const stream = unique('long')
      const count = 1_500
      const events = newEvents(count)
      for (let at = 0; at < count; at += 250) {
        await subject.store.append(stream, events.slice(at, at + 250), at === 0 ? 'no_stream' : BigInt(at - 1))
      }
      const stored = await readAll(subject.store, stream)
      expect(stored.map((event) => event.data)).toEqual(events.map((event) => event.data))
      const back = await subject.store.read(stream, { direction: 'backwards', maxCount: count })
      expect(back.map((event) => event.revision)).toEqual(stored.map((event) => event.revision).toReversed())
    })

    test('positions grow with revisions', async () => {
      await using subject = await factory.open()
      const stream = unique('order')
      await subject.store.append(stream, newEvents(3), 'no_stream')
      await subject.store.append(stream, [newEvent()], 2n)
      const positions = (await readAll(subject.store, stream)).map((event) => event.position)
      expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : 1)))
      expect(new Set(positions).size).toBe(4)
    })
  })
}
