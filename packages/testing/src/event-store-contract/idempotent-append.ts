import { describe, expect, test } from 'vitest'
import { appended, idsOf, newEvent, newEvents, readAll, unique } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

/** A re-append of what already stands there succeeds and writes nothing; anything else is a conflict. */
export function describeIdempotentAppend(factory: EventStoreContractFactory): void {
  describe('an idempotent re-append', () => {
    test('of the batch that started the stream: the original revision, nothing written', async () => {
      await using subject = await factory.open()
      const stream = unique('again')
      const events = newEvents(3)
      const first = appended(await subject.store.append(stream, events, 'no_stream'))
      const again = appended(await subject.store.append(stream, events, 'no_stream'))
      expect(again).toEqual(first)
      expect(idsOf(await readAll(subject.store, stream))).toEqual(idsOf(events))
    })

    test('of a later batch at its exact revision: the original revision, nothing written', async () => {
      await using subject = await factory.open()
      const stream = unique('again-exact')
      const [head, tail] = [newEvents(2), newEvents(2)]
      await subject.store.append(stream, head, 'no_stream')
      const first = appended(await subject.store.append(stream, tail, 1n))
      const again = appended(await subject.store.append(stream, tail, 1n))
      expect(again).toEqual(first)
      expect(idsOf(await readAll(subject.store, stream))).toEqual(idsOf([...head, ...tail]))
    })

    test('when the stream has gone on since: still the original revision', async () => {
      await using subject = await factory.open()
      const stream = unique('gone-on')
      const [head, tail] = [newEvents(2), newEvents(3)]
      const first = appended(await subject.store.append(stream, head, 'no_stream'))
      const second = appended(await subject.store.append(stream, tail, 1n))
      expect(appended(await subject.store.append(stream, head, 'no_stream'))).toEqual(first)
      expect(appended(await subject.store.append(stream, tail, 1n))).toEqual(second)
      expect(idsOf(await readAll(subject.store, stream))).toEqual(idsOf([...head, ...tail]))
    })

    test('of the first events of a stored batch: the revision of the last of them', async () => {
      await using subject = await factory.open()
      const stream = unique('prefix')
      const events = newEvents(3)
      await subject.store.append(stream, events, 'no_stream')
      expect(appended(await subject.store.append(stream, events.slice(0, 2), 'no_stream')).revision).toBe(1n)
      expect(idsOf(await readAll(subject.store, stream))).toEqual(idsOf(events))
    })

    test('after a restart', async () => {
      await using subject = await factory.open()
      const stream = unique('again-restart')
      const events = newEvents(2)
      const first = appended(await subject.store.append(stream, events, 'no_stream'))
      const store = await subject.reopen()
      expect(appended(await store.append(stream, events, 'no_stream'))).toEqual(first)
      expect(idsOf(await readAll(store, stream))).toEqual(idsOf(events))
    })

    test('decides by id, not by content: what stands there stays', async () => {
      await using subject = await factory.open()
      const stream = unique('content')
      const event = newEvent({ data: { said: 'first' } })
      await subject.store.append(stream, [event], 'no_stream')
      appended(await subject.store.append(stream, [{ ...event, data: { said: 'second' } }], 'no_stream'))
      expect((await readAll(subject.store, stream)).map((stored) => stored.data)).toEqual([{ said: 'first' }])
    })

    test('does not reach across streams: the same ids on another stream are written', async () => {
      await using subject = await factory.open()
      const [one, other] = [unique('one'), unique('other')]
      const events = newEvents(2)
      await subject.store.append(one, events, 'no_stream')
      appended(await subject.store.append(other, events, 'no_stream'))
      expect(idsOf(await readAll(subject.store, other))).toEqual(idsOf(events))
    })
  })

  describe('not a re-append, hence a conflict', () => {
    test.each([
      { case: 'the first id differs', expected: 'no_stream', pick: (stored) => [newEvent(), ...stored.slice(1)] },
      { case: 'the last id differs', expected: 'no_stream', pick: (stored) => [...stored.slice(0, 3), newEvent()] },
      {
        case: 'the batch is longer than what is stored',
        expected: 'no_stream',
        pick: (stored) => [...stored, newEvent()],
      },
      {
        case: 'partial overlap: known ids, then new ones',
        expected: 1n,
        pick: (stored) => [...stored.slice(2), newEvent()],
      },
      { case: 'the known ids in another order', expected: 'no_stream', pick: (stored) => stored.toReversed() },
      { case: 'known ids one revision too low', expected: 0n, pick: (stored) => stored.slice(2) },
      { case: 'known ids one revision too high', expected: 1n, pick: (stored) => stored.slice(1, 3) },
    ] as const satisfies readonly {
      readonly case: string
      readonly expected: bigint | 'no_stream'
      readonly pick: (stored: readonly ReturnType<typeof newEvent>[]) => readonly ReturnType<typeof newEvent>[]
    }[])('$case', async ({ expected, pick }) => {
      await using subject = await factory.open()
      const stream = unique('no-re-append')
      const stored = newEvents(4)
      await subject.store.append(stream, stored, 'no_stream')
      const result = await subject.store.append(stream, pick(stored), expected)
      expect(result).toEqual({ kind: 'conflict', actual: 3n })
      expect(idsOf(await readAll(subject.store, stream))).toEqual(idsOf(stored))
    })
  })
}
