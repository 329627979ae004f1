import type { JsonObject } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { appended, eventOfBytes, expectCode, idsOf, newEvent, newEvents, readAll, unique, utf8Bytes } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

const mebibyte = 1024 * 1024

/** Text that breaks careless encoders: escapes, astral characters, lone surrogates, line separators, look-alikes. */
const awkwardText =
  '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028\u2029\ufeff\uffff é e\u0301 漢字 🙂 \u{10ffff} \ud800 \udc00 \'--'

/** Built from text: in a literal, `__proto__` would set the prototype. */
const awkwardData = JSON.parse(
  JSON.stringify({
    text: awkwardText,
    [awkwardText]: 'as a name',
    '': 'an empty name',
    proto: 0,
    numbers: [0, 0.1, 1e21, 5e-324, -1.7976931348623157e308, Number.MAX_SAFE_INTEGER, 123456789.123456789],
    nothing: null,
    deep: [[[[[[[{ a: [{}, [], '', false] }]]]]]]],
  }).replace('"proto":0', '"__proto__":{"polluted":true}'),
) as JsonObject

/** Names that a store could take for something else: SQL, patterns, other encodings. */
const hostileNames = [
  `' OR '1'='1`,
  `"; DROP TABLE events; --`,
  '%',
  '_',
  'a%b_c\\d*e?f[g]',
  'A-upper',
  'a-upper',
  'é-composed',
  'e\u0301-decomposed',
  '漢字 🙂 \u{10ffff}',
  'tab\there, newline\nthere, bell\u0007, escape\u001b',
  'spaces at the end  ',
  'command-not-a-hash',
  `command-${'A'.repeat(64)}`,
  `command-${'0'.repeat(63)}`,
  `command-${'0'.repeat(64)}`,
  `command-${'0'.repeat(65)}`,
  '../../etc/passwd',
]

/** What goes in comes out: sizes, bytes, names, times. */
export function describeContent(factory: EventStoreContractFactory): void {
  describe('what goes in comes out', () => {
    test('id, type, data, metadata and stream', async () => {
      await using subject = await factory.open()
      const stream = unique('whole')
      const event = newEvent({ type: 'OrderPlaced', data: awkwardData, metadata: { ...awkwardData, v: 1 } })
      const { position } = appended(await subject.store.append(stream, [event], 'no_stream'))
      const [stored, ...more] = await readAll(subject.store, stream)
      expect(more).toEqual([])
      expect(stored).toMatchObject({ id: event.id, type: event.type, stream, revision: 0n, position })
      expect(JSON.stringify(stored?.data)).toBe(JSON.stringify(event.data))
      expect(JSON.stringify(stored?.metadata)).toBe(JSON.stringify(event.metadata))
    })

    test('recordedAtMs is the time of the write', async () => {
      await using subject = await factory.open()
      const stream = unique('time')
      // The store's clock is not ours; a minute either way tells a time from a unit mistaken.
      const before = Date.now() - 60_000
      await subject.store.append(stream, newEvents(2), 'no_stream')
      for (const { recordedAtMs } of await readAll(subject.store, stream)) {
        expect(Number.isInteger(recordedAtMs)).toBe(true)
        expect(recordedAtMs).toBeGreaterThan(before)
        expect(recordedAtMs).toBeLessThan(Date.now() + 60_000)
      }
    })

    test('an event of 1 MiB, or of the limit where that is lower, byte for byte', async () => {
      await using subject = await factory.open()
      expect(subject.store.maxEventBytes).toBeGreaterThan(mebibyte / 2)
      const bytes = Math.min(mebibyte, subject.store.maxEventBytes)
      const text = `${awkwardText}漢🙂`
      const unit = utf8Bytes(text) - 2
      const frame = utf8Bytes({ body: '' }) + utf8Bytes({})
      const body = text.repeat(Math.floor((bytes - frame) / unit))
      const event = newEvent({ data: { body: body + 'x'.repeat(bytes - frame - utf8Bytes(body) + 2) } })
      expect(utf8Bytes(event.data) + utf8Bytes(event.metadata)).toBe(bytes)
      const stream = unique('large')
      await subject.store.append(stream, [event], 'no_stream')
      const [stored] = await readAll(subject.store, stream)
      expect(JSON.stringify(stored?.data) === JSON.stringify(event.data)).toBe(true)
    })

    test('an event of exactly maxEventBytes is taken, one byte more is refused', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const [fits, over] = [unique('fits'), unique('over')]
      appended(await store.append(fits, [eventOfBytes(store.maxEventBytes)], 'no_stream'))
      await expectCode(
        () => store.append(over, [eventOfBytes(store.maxEventBytes + 1)], 'no_stream'),
        'event-too-large',
      )
      expect(await readAll(store, fits)).toHaveLength(1)
      expect(await readAll(store, over)).toEqual([])
    })

    test('a limit of bytes, not of characters', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const stream = unique('bytes')
      const event = newEvent({ data: { text: '漢'.repeat(Math.ceil(store.maxEventBytes / 3)) } })
      await expectCode(() => store.append(stream, [event], 'no_stream'), 'event-too-large')
      expect(await readAll(store, stream)).toEqual([])
    })

    test('a batch with one event too large leaves nothing, and the store goes on', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const stream = unique('atomic')
      const batch = [newEvent(), eventOfBytes(store.maxEventBytes + 1), newEvent()]
      await expectCode(() => store.append(stream, batch, 'no_stream'), 'event-too-large')
      expect(await readAll(store, stream)).toEqual([])
      const next = newEvents(2)
      appended(await store.append(stream, next, 'no_stream'))
      await expectCode(() => store.append(stream, batch, 1n), 'event-too-large')
      expect(idsOf(await readAll(store, stream))).toEqual(idsOf(next))
    })
  })

  describe('stream names', () => {
    test('made from hostile keys are kept apart and come back as they are', async () => {
      await using subject = await factory.open()
      const base = unique('names')
      const names = hostileNames.map((name) => `${base} ${name}`)
      const events = newEvents(names.length)
      for (const [index, name] of names.entries()) {
        const event = events[index]
        if (event) appended(await subject.store.append(name, [event], 'no_stream'))
      }
      for (const [index, name] of names.entries()) {
        const stored = await readAll(subject.store, name)
        expect(stored.map(({ id, stream }) => ({ id, stream }))).toEqual([{ id: events[index]?.id, stream: name }])
      }
    })

    test('in the form of command streams: the whole name counts, in case too', async () => {
      await using subject = await factory.open()
      const hash = unique('').replaceAll('-', '').padStart(64, '0')
      const names = [`command-${hash}`, `command-${hash.toUpperCase()}x`, `command-${hash}0`, `Command-${hash}`, hash]
      for (const name of names) appended(await subject.store.append(name, [newEvent({ data: { name } })], 'no_stream'))
      for (const name of names) {
        const stored = await readAll(subject.store, name)
        expect(stored.map((event) => [event.stream, event.data])).toEqual([[name, { name }]])
      }
    })

    test('of 1,000 characters are told apart by the last one', async () => {
      await using subject = await factory.open()
      const base = unique('long').padEnd(999, 'ü')
      for (const last of ['a', 'b']) appended(await subject.store.append(base + last, [newEvent()], 'no_stream'))
      expect((await readAll(subject.store, `${base}b`)).map((event) => event.stream)).toEqual([`${base}b`])
      expect(await readAll(subject.store, base)).toEqual([])
    })
  })
}
