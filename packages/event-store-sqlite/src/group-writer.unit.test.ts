import { describe, expect, test } from 'vitest'
import { openWriter, pragmaNumber } from './connections.ts'
import { faultOf, isDiskFull } from './faults.ts'
import { CommitError, createGroupWriter } from './group-writer.ts'
import { prepareAppend } from './prepare-append.ts'
import { prepareDatabase } from './prepare-database.ts'
import type { WriteGroup } from './protocol.ts'
import type { Database } from './sqlite.ts'
import { newEvent, temporaryDataDir } from './testing/kit.ts'
import { addAppend, createGroup } from './write-group.ts'

/** A group that starts each of these streams with one event. */
function groupOf(streams: readonly string[], fillerLength = 0, type = 'Happened'): WriteGroup {
  const pending = createGroup()
  for (const stream of streams) {
    const events = [newEvent({ type, data: { filler: 'x'.repeat(fillerLength) } })]
    addAppend(pending, prepareAppend({ stream, events, expected: 'no_stream' }, 10_000_000), {
      resolve: () => undefined,
      reject: () => undefined,
    })
  }
  return pending.group
}

const countOf = (database: Database): unknown => database.prepare('SELECT count(*) AS n FROM events').get()?.['n']

function errorOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe('a transaction of groups', () => {
  test('judges each append by itself: a conflict spoils no other', () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const database = openWriter(dataDir.database)
    const writer = createGroupWriter(database)
    const written = writer.write([groupOf(['a', 'a', 'b']), groupOf(['b', 'c'])])
    expect(written).toMatchObject({ groups: 2, head: 3 })
    // Kind, revision, position of each.
    expect(written.results).toEqual([1, 0, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 3])
    writer.close()
  })

  test('that finds the disk full is rolled back whole, and the writer goes on once there is room', () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const database = openWriter(dataDir.database)
    const writer = createGroupWriter(database)
    writer.write([groupOf(['before'], 0, 'Before')])
    const pages = pragmaNumber(database, 'page_count')
    database.exec(`PRAGMA max_page_count = ${pages + 5}`)

    const error = errorOf(() => writer.write([groupOf(['small']), groupOf(['large'], 100_000)]))
    expect(isDiskFull(error)).toBe(true)
    expect(faultOf(error, { path: dataDir.database }).code).toBe('unavailable')
    expect([countOf(database), writer.head(), database.isTransaction]).toEqual([1, 1, false])

    database.exec('PRAGMA max_page_count = 1000000')
    // The position of what was rolled back is given out again: the global order has no gap.
    expect(writer.write([groupOf(['large'], 100_000)]).results).toEqual([1, 0, 2])
    // So is the entry of the index of types.
    expect(database.prepare('SELECT name, block FROM type_blocks').all()).toEqual([
      { name: 'Before', block: 0 },
      { name: 'Happened', block: 0 },
    ])
    writer.close()
  })

  test('whose commit fails says so: its outcome may be unknown', () => {
    using dataDir = temporaryDataDir()
    prepareDatabase(dataDir)
    const database = openWriter(dataDir.database)
    const writer = createGroupWriter(database)
    // A constraint that is looked at when the transaction commits.
    database.exec(`
      PRAGMA foreign_keys = ON;
      CREATE TABLE parents (id INTEGER PRIMARY KEY);
      CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER orphan AFTER INSERT ON events BEGIN INSERT INTO children VALUES (1); END;
    `)
    const error = errorOf(() => writer.write([groupOf(['orphan'])]))
    expect(error).toBeInstanceOf(CommitError)
    expect([countOf(database), writer.head(), database.isTransaction]).toEqual([0, 0, false])
    writer.close()
  })
})
