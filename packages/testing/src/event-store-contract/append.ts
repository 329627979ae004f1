import { describe, expect, test } from 'vitest'
import { appended, idsOf, newEvent, newEvents, readAll, unique } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

/** Expected revisions, conflicts, all-or-nothing, and many appends at once. */
export function describeAppend(factory: EventStoreContractFactory): void {
  describe('append with an expected revision', () => {
    test('starts a stream at revision 0', async () => {
      await using subject = await factory.open()
      const stream = unique('start')
      const result = appended(await subject.store.append(stream, [newEvent()], 'no_stream'))
      expect(result.revision).toBe(0n)
      expect(typeof result.position).toBe('bigint')
    })

    test('where it tells at once what is empty, a stream is not empty from the call of its first append on', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const stream = unique('empty')
      const appending = store.append(stream, [newEvent()], 'no_stream')
      expect(store.isSurelyEmpty?.(stream) ?? false).toBe(false)
      await appending
      expect(store.isSurelyEmpty?.(stream) ?? false).toBe(false)
    })

    test('a batch answers with the revision and position of its last event', async () => {
      await using subject = await factory.open()
      const stream = unique('batch')
      const events = newEvents(3)
      const result = appended(await subject.store.append(stream, events, 'no_stream'))
      const stored = await readAll(subject.store, stream)
      expect(result.revision).toBe(2n)
      expect(stored.map((event) => event.revision)).toEqual([0n, 1n, 2n])
      expect(idsOf(stored)).toEqual(idsOf(events))
      expect(stored.at(-1)?.position).toBe(result.position)
    })

    test('goes on at the exact revision', async () => {
      await using subject = await factory.open()
      const stream = unique('exact')
      const first = appended(await subject.store.append(stream, newEvents(2), 'no_stream'))
      const second = appended(await subject.store.append(stream, newEvents(2), first.revision))
      expect(second.revision).toBe(3n)
      expect(second.position).toBeGreaterThan(first.position)
      expect((await readAll(subject.store, stream)).map((event) => event.revision)).toEqual([0n, 1n, 2n, 3n])
    })

    test.each([
      { case: 'no_stream, but the stream exists', expected: 'no_stream' },
      { case: 'an exact revision that is too low', expected: 0n },
      { case: 'an exact revision that is too low by one', expected: 1n },
      { case: 'an exact revision that is too high by one', expected: 3n },
      { case: 'an exact revision that is far too high', expected: 4_000_000_000n },
    ] as const)('conflicts with the actual revision: $case', async ({ expected }) => {
      await using subject = await factory.open()
      const stream = unique('conflict')
      const stored = newEvents(3)
      await subject.store.append(stream, stored, 'no_stream')
      const result = await subject.store.append(stream, newEvents(2), expected)
      expect(result).toEqual({ kind: 'conflict', actual: 2n })
      expect(idsOf(await readAll(subject.store, stream))).toEqual(idsOf(stored))
    })

    test.each([0n, 7n])('conflicts with no_stream: revision %d expected of a missing stream', async (expected) => {
      await using subject = await factory.open()
      const stream = unique('missing')
      const result = await subject.store.append(stream, [newEvent()], expected)
      expect(result).toEqual({ kind: 'conflict', actual: 'no_stream' })
      expect(await readAll(subject.store, stream)).toEqual([])
      appended(await subject.store.append(stream, [newEvent()], 'no_stream'))
    })

    test('a conflict says nothing about other streams', async () => {
      await using subject = await factory.open()
      const [taken, free] = [unique('taken'), unique('free')]
      await subject.store.append(taken, [newEvent()], 'no_stream')
      const results = await Promise.all([
        subject.store.append(taken, [newEvent()], 'no_stream'),
        subject.store.append(free, [newEvent()], 'no_stream'),
        subject.store.append(taken, [newEvent()], 0n),
      ])
      expect(results.map((result) => result.kind)).toEqual(['conflict', 'appended', 'appended'])
    })

    test('an append is read by who wrote it, at once', async () => {
      await using subject = await factory.open()
      const stream = unique('own')
      for (let n = 0n; n < 50n; n += 1n) {
        const event = newEvent()
        await subject.store.append(stream, [event], n === 0n ? 'no_stream' : n - 1n)
        const [last] = await subject.store.read(stream, { direction: 'backwards', maxCount: 1 })
        expect(last?.id).toBe(event.id)
        expect(last?.revision).toBe(n)
      }
    })
  })

  describe('one effect per key: appends at the same time', () => {
    test('of 1,000 appends that start one stream exactly one wins', async () => {
      await using subject = await factory.open()
      const stream = unique('race')
      const events = newEvents(1_000)
      const results = await Promise.all(events.map((event) => subject.store.append(stream, [event], 'no_stream')))
      const winners = events.filter((_, index) => results[index]?.kind === 'appended')
      expect(winners).toHaveLength(1)
      expect(results.filter((result) => result.kind === 'conflict' && result.actual !== 0n)).toEqual([])
      expect(idsOf(await readAll(subject.store, stream))).toEqual(idsOf(winners))
    })

    test('of 1,000 appends at 100 revisions one wins per revision', async () => {
      await using subject = await factory.open()
      const stream = unique('revisions')
      const start = newEvent()
      await subject.store.append(stream, [start], 'no_stream')
      const attempts = newEvents(1_000).map((event, index) => ({ event, expected: BigInt(Math.floor(index / 10)) }))
      const results = await Promise.all(
        attempts.map(({ event, expected }) => subject.store.append(stream, [event], expected)),
      )
      const winners = attempts.filter((_, index) => results[index]?.kind === 'appended')
      const stored = await readAll(subject.store, stream)
      // Appends sent together may arrive in any order, so not every revision has to find its winner …
      expect(winners.length).toBeGreaterThan(0)
      // … but each winner stands where it expected to, and nothing else does.
      expect(idsOf(stored).sort()).toEqual(idsOf([start, ...winners.map((winner) => winner.event)]).sort())
      for (const { event, expected } of winners) expect(stored[Number(expected) + 1]?.id).toBe(event.id)
      expect(stored.map((event) => event.revision)).toEqual(stored.map((_, index) => BigInt(index)))
    })

    test('1,000 appends to 1,000 streams all win', async () => {
      await using subject = await factory.open()
      const streams = Array.from({ length: 1_000 }, () => unique('many'))
      const results = await Promise.all(
        streams.map((stream) => subject.store.append(stream, [newEvent()], 'no_stream')),
      )
      expect(results.filter((result) => result.kind === 'appended' && result.revision === 0n)).toHaveLength(1_000)
      expect(new Set(results.map((result) => result.kind === 'appended' && result.position)).size).toBe(1_000)
    })
  })
}
