import type { NewEvent } from '@holdfast/core'
import { randomFrom } from '@holdfast/testing/random'
import { describe, expect, test, vi } from 'vitest'
import { openWriter, pragmaNumber } from './connections.ts'
import { isDiskFull } from './faults.ts'
import { createGroupWriter } from './group-writer.ts'
import type { GroupWriter } from './group-writer.ts'
import { openSqliteHistory } from './history.ts'
import { prepareAppend } from './prepare-append.ts'
import { prepareDatabase } from './prepare-database.ts'
import { noStream, surelyNoStream } from './protocol.ts'
import type { WriteGroup, Written } from './protocol.ts'
import { preparing } from './query.ts'
import { createReader } from './reader.ts'
import type { Reader } from './reader.ts'
import { runLength } from './recent-events.ts'
import type { Database, SQLInputValue, StatementSync as Statement } from './sqlite.ts'
import { streamHash } from './stream-hash.ts'
import { completeIndex } from './stream-index.ts'
import { crashImage, newEvent, temporaryDataDir } from './testing/kit.ts'
import { addAppend, createGroup, resolveGroup } from './write-group.ts'
import type { PendingGroup } from './write-group.ts'

/** Told when the test fails, so that it can be run again. */
const firstSeed = Date.now() % 2 ** 31
const random = randomFrom(firstSeed)

function randomInt(from: number, to?: number): number {
  const [low, high] = to === undefined ? [0, from] : [from, to]
  return low + Math.floor(random() * (high - low))
}

interface ModelEvent {
  readonly id: string
  readonly revision: number
  readonly position: number
}

/** What the streams hold, kept as simply as can be. */
class Model {
  readonly streams = new Map<string, ModelEvent[]>()
  readonly names: string[] = []
  head = 0
  removed = 0

  append(stream: string, ids: readonly string[]): void {
    const events = this.streams.get(stream) ?? []
    if (events.length === 0) {
      this.streams.set(stream, events)
      this.names.push(stream)
    }
    for (const id of ids) events.push({ id, revision: (events.at(-1)?.revision ?? -1) + 1, position: ++this.head })
  }

  truncate(stream: string, before: number): void {
    const events = this.streams.get(stream) ?? []
    const end = Math.min(before, events.at(-1)?.revision ?? 0)
    const kept = events.filter(({ revision }) => revision >= end)
    this.removed += events.length - kept.length
    this.streams.set(stream, kept)
  }

  any(): string {
    return this.names[randomInt(this.names.length)] ?? ''
  }
}

/** A tenth of all share their hash with others. */
function newName(): string {
  const name = `${randomInt(2 ** 31)}${randomInt(2 ** 31)}`
  return randomInt(10) === 0
    ? `command-${String(randomInt(40)).padStart(12, 'a')}${name.padEnd(52, '0')}`
    : `stream-${name}`
}

/** A group of random writes, what they do to the model, and the kind, revision and position that each append is answered with. */
function randomWrites(model: Model): { group: PendingGroup; apply: () => void; results: () => number[] } {
  const group = createGroup()
  const effects: (() => readonly number[])[] = []
  const later: (() => void)[] = []
  const touched = new Set<string>()
  for (let n = randomInt(1, 120); n > 0; n--) {
    const isNew = model.names.length === 0 || randomInt(3) > 0
    const stream = isNew ? newName() : model.any()
    if (touched.has(stream)) continue
    touched.add(stream)
    const events = Array.from({ length: randomInt(1, 4) }, () => newEvent())
    const last = model.streams.get(stream)?.at(-1)?.revision ?? noStream
    const isWrong = randomInt(20) === 0
    const expected = isNew ? (isWrong ? noStream : surelyNoStream) : isWrong ? last + 1 : last
    const append = prepareAppend({ stream, events, expected: 'no_stream' }, 10_000)
    addAppend(group, { ...append, expected }, { resolve: () => undefined, reject: () => undefined })
    effects.push(() => {
      if (isWrong && !isNew) return [0, last, 0]
      model.append(
        stream,
        events.map(({ id }) => id),
      )
      return [1, last + events.length, model.head]
    })
    if (randomInt(60) === 0) {
      const before = randomInt(6)
      group.group.truncations.push({ stream, hash: streamHash(stream), before })
      later.push(() => {
        model.truncate(stream, before)
      })
    }
  }
  let results: readonly number[] = []
  return {
    group,
    apply: () => {
      results = effects.flatMap((effect) => effect())
      for (const effect of later) effect()
    },
    results: () => [...results],
  }
}

/** A group of one append. */
function groupOf({ stream, events, expected }: { stream: string; events: NewEvent[]; expected: number }): WriteGroup {
  const pending = createGroup()
  const append = prepareAppend({ stream, events, expected: 'no_stream' }, 10_000)
  addAppend(pending, { ...append, expected }, { resolve: () => undefined, reject: () => undefined })
  return { ...pending.group, atMs: 1 }
}

/** A random look at a stream finds what the model has. */
function compare(reader: Reader, model: Model, stream = model.any()): void {
  const events = model.streams.get(stream) ?? []
  const from = randomInt(6)
  const limit = randomInt(1, 6)
  const forwards = reader.read(stream, { direction: 'forwards', from: BigInt(from), maxCount: limit })
  expect(forwards.map(({ id }) => id)).toEqual(
    events
      .filter(({ revision }) => revision >= from)
      .slice(0, limit)
      .map(({ id }) => id),
  )
  const backwards = reader.read(stream, { direction: 'backwards', from: BigInt(from), maxCount: limit })
  expect(backwards.map(({ id }) => id)).toEqual(
    events
      .filter(({ revision }) => revision <= from)
      .toReversed()
      .slice(0, limit)
      .map(({ id }) => id),
  )
  const last = events.at(-1)
  expect([reader.last(stream)?.position, reader.last(stream)?.revision]).toEqual([
    BigInt(last?.position ?? 0),
    BigInt(last?.revision ?? 0),
  ])
}

const numberOf = (database: Database, sql: string): number =>
  Number(Object.values(database.prepare(`SELECT (${sql}) AS n`).get() ?? {})[0])

/** Up to where it says so, the index has each event of the table once, and nothing else anywhere. */
function expectSoundIndex(database: Database): void {
  const entry = 'hash = stream_hash AND at_revision = revision AND at_position = position'
  const missing = `SELECT count(*) FROM events WHERE position <= (SELECT position FROM indexed)
    AND NOT EXISTS (SELECT 1 FROM stream_index WHERE ${entry})`
  const strange = `SELECT count(*) FROM stream_index WHERE NOT EXISTS (SELECT 1 FROM events WHERE ${entry})`
  expect([numberOf(database, missing), numberOf(database, strange)]).toEqual([0, 0])
}

/** Writes, and mostly tells the reader, as the store does. */
function write(writer: GroupWriter, { group, reader }: { group: PendingGroup; reader: Reader }): Written {
  for (const hash of group.group.appends.hashes) reader.willHold(hash)
  const written = writer.write([{ ...group.group, atMs: 1 }])
  // As of a thread that died.
  if (randomInt(20) === 0) {
    reader.lost()
    return written
  }
  const tell: Reader['written'] = (events) => {
    reader.written(events)
  }
  resolveGroup(group, { results: written.results, at: 0, tell })
  reader.indexed(written.indexed)
  return written
}

describe('the index of streams', () => {
  test(`finds what a simple model has, while runs fill up and move into it, and after each kind of end (seed ${firstSeed})`, () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const model = new Model()
    let database = openWriter(dataDir.database)
    let writer = createGroupWriter(database)
    // One is told of what is written, the other finds it in the file.
    let told = createReader(dataDir.database)
    const untold = createReader(dataDir.database, { isTold: false })
    const indexedEnds = new Set<number>()

    for (let round = 0; model.head < 4.5 * runLength; round++) {
      const { group, apply, results } = randomWrites(model)
      if (round % 97 === 96) {
        // No room: nothing of it happened.
        database.exec(`PRAGMA max_page_count = ${pragmaNumber(database, 'page_count') + 100}`)
        for (const stream of group.group.appends.streams)
          group.group.truncations.push({ stream, hash: streamHash(stream), before: 9 })
        const tooMuch = createGroup()
        const large = prepareAppend({ stream: 'large', events: [newEvent()], expected: 'no_stream' }, 10_000)
        addAppend(tooMuch, large, { resolve: () => undefined, reject: () => undefined })
        tooMuch.group.appends.data[0] = 'x'.repeat(1_000_000)
        const groups = [group, tooMuch].map((each) => ({ ...each.group, atMs: 1 }))
        expect(() => writer.write(groups)).toThrow(expect.toSatisfy(isDiskFull))
        database.exec('PRAGMA max_page_count = 1000000')
        continue
      }
      const written = write(writer, { group, reader: told })
      apply()
      expect([written.results, written.head]).toEqual([results(), model.head])
      indexedEnds.add(written.indexed)
      for (let n = randomInt(4); n > 0; n--) {
        compare(told, model)
        if (round % 7 === 0) compare(untold, model)
      }
      if (round % 250 === 249) {
        writer.close()
        told.close()
        database = openWriter(dataDir.database)
        writer = createGroupWriter(database)
        told = createReader(dataDir.database)
      }
    }
    expect(model.removed).toBeGreaterThan(20)
    // Runs came into it bit by bit, besides what each start took in.
    expect([...indexedEnds].filter((end) => end % runLength === 0 && end > 0).length).toBeGreaterThanOrEqual(2)
    expectSoundIndex(database)

    using image = crashImage(dataDir)
    prepareDatabase(image)
    const again = openWriter(image.database)
    const restarted = createGroupWriter(again)
    const reader = createReader(image.database)
    expect(restarted.head()).toBe(model.head)
    for (const stream of model.names) expect(reader.mayHold(stream)).toBe(true)
    for (let n = 0; n < 2_000; n++) compare(reader, model)
    expectSoundIndex(again)
    for (const open of [reader, restarted, told, untold, writer]) open.close()
  })

  test('takes nothing for its own behind what it was not told of', () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const writer = createGroupWriter(openWriter(dataDir.database))
    const reader = createReader(dataDir.database)
    const [first, second] = [newEvent(), newEvent()]
    writer.write([groupOf({ stream: 'one', events: [first], expected: noStream })])
    reader.written({ hash: streamHash('one'), count: 1, revision: 0, position: 1 })
    // The thread died behind the commit of these two.
    writer.write([groupOf({ stream: 'two', events: [newEvent()], expected: noStream })])
    writer.write([groupOf({ stream: 'one', events: [second], expected: 0 })])
    for (const stream of ['one', 'two']) reader.willHold(streamHash(stream))
    reader.lost()
    // Both events again, in one append, which are known: its last position fits by chance.
    const again = writer.write([groupOf({ stream: 'one', events: [first, second], expected: noStream })])
    expect(again.results).toEqual([1, 1, 3])
    reader.written({ hash: streamHash('one'), count: 2, revision: 1, position: 3 })
    expect(reader.last('two')?.position).toBe(2n)
    expect(reader.last('one')?.position).toBe(3n)
    reader.close()
    writer.close()
  })

  test('finds a stream whose known events were removed behind one that was not told', () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const database = openWriter(dataDir.database)
    const writer = createGroupWriter(database)
    writer.write([groupOf({ stream: 'old', events: [newEvent()], expected: noStream })])
    completeIndex(preparing(database))
    const again = createGroupWriter(database)
    again.write([groupOf({ stream: 'recent', events: [newEvent()], expected: noStream })])
    const reader = createReader(dataDir.database)
    for (const stream of ['old', 'recent']) {
      const group = groupOf({ stream, events: [newEvent()], expected: 0 })
      group.truncations.push({ stream, hash: streamHash(stream), before: 1 })
      again.write([group])
      const revisions = (direction: 'forwards' | 'backwards') =>
        reader.read(stream, { direction, maxCount: 9 }).map(({ revision }) => revision)
      expect([reader.last(stream)?.revision, revisions('forwards'), revisions('backwards')]).toEqual([1n, [1n], [1n]])
    }
    reader.close()
    again.close()
  })

  test('gives no hole where a stream is truncated while it is read', () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const database = openWriter(dataDir.database)
    const events = Array.from({ length: 6 }, () => newEvent())
    createGroupWriter(database).write([groupOf({ stream: 'one', events: events.slice(0, 2), expected: noStream })])
    completeIndex(preparing(database))
    const writer = createGroupWriter(database)
    writer.write([groupOf({ stream: 'one', events: events.slice(2), expected: 1 })])
    const reader = createReader(dataDir.database)
    // Between the look into the index and the first of those that are in memory.
    const { StatementSync } = process.getBuiltinModule('node:sqlite')
    const get = vi.spyOn(StatementSync.prototype, 'get')
    get.mockImplementationOnce(function (this: Statement, ...values) {
      get.mockRestore()
      const { group } = createGroup()
      group.truncations.push({ stream: 'one', hash: streamHash('one'), before: 4 })
      writer.write([{ ...group, atMs: 1 }])
      return this.get(...(values as SQLInputValue[]))
    })
    const read = () => reader.read('one', { direction: 'forwards', maxCount: 9 }).map(({ revision }) => revision)
    expect(read()).toEqual([0n, 1n, 2n, 3n, 4n, 5n])
    expect(read()).toEqual([4n, 5n])
    reader.close()
    writer.close()
  })

  test('is not written at a start, which needs no room then, unless it is far behind', () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const before = createGroupWriter(openWriter(dataDir.database))
    before.write([groupOf({ stream: 'one', events: [newEvent()], expected: noStream })])
    before.close()
    const database = openWriter(dataDir.database)
    database.exec('PRAGMA query_only = ON')
    expect(createGroupWriter(database).head()).toBe(1)
    database.close()
  })

  test.each([
    { what: 'it is asked for', sql: 'UPDATE indexed SET position = -1' },
    { what: 'nothing tells how far it is', sql: 'DELETE FROM indexed' },
    { what: 'it goes on behind the last event', sql: 'DELETE FROM events WHERE position > 4' },
  ])('is made anew at a start, and that of types too: $what', async ({ sql }) => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const database = openWriter(dataDir.database)
    const events = Array.from({ length: 6 }, (_, n) => newEvent({ type: n % 2 === 0 ? 'Even' : 'Odd' }))
    createGroupWriter(database).write([groupOf({ stream: 'one', events, expected: noStream })])
    completeIndex(preparing(database))
    database.exec(`DELETE FROM stream_index WHERE at_revision = 2; DELETE FROM type_blocks WHERE name = 'Odd'; ${sql}`)
    const writer = createGroupWriter(database)
    const left = writer.head()
    const append = groupOf({ stream: 'one', events: [newEvent()], expected: left - 1 })
    expect(writer.write([append]).results).toEqual([1, left, left + 1])
    expectSoundIndex(database)
    {
      await using history = openSqliteHistory({ dataDir: dataDir.folder })
      for await (const page of history.events())
        expect(page.map(({ indexed }) => indexed)).toEqual(new Array(left + 1).fill(true))
    }
    writer.close()
  })

  test('is not believed where it tells of a row something else than the row does', async () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const database = openWriter(dataDir.database)
    const group = groupOf({ stream: 'one', events: [newEvent(), newEvent()], expected: noStream })
    createGroupWriter(database).write([group])
    completeIndex(preparing(database))
    database.exec(`UPDATE stream_index SET at_revision = 7 WHERE at_position = 2;
      INSERT INTO stream_index SELECT ${streamHash('other')}, 0, 1`)
    const reader = createReader(dataDir.database)
    const read = (stream: string) => reader.read(stream, { direction: 'forwards', maxCount: 9 })
    expect(read('one').map(({ revision }) => revision)).toEqual([0n])
    expect(read('other')).toEqual([])
    {
      await using history = openSqliteHistory({ dataDir: dataDir.folder })
      for await (const page of history.events()) expect(page.map(({ indexed }) => indexed)).toEqual([true, false])
    }
    reader.close()
    database.close()
  })
})
