import { chmodSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { EventStoreError } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { openWriter, pragmaNumber } from './connections.ts'
import { openSqliteHistory } from './history.ts'
import { createSqliteEventStore } from './index.ts'
import { applicationId, migrations, schemaVersion } from './schema.ts'
import { DatabaseSync } from './sqlite.ts'
import { streamHash } from './stream-hash.ts'
import { crashImage, newEvent, readEverything, temporaryDataDir } from './testing/kit.ts'
import type { TemporaryDataDir } from './testing/kit.ts'

const open = (dataDir: TemporaryDataDir) => createSqliteEventStore({ dataDir: dataDir.folder })

/** Why the store of this folder does not open. */
async function refusal(dataDir: TemporaryDataDir): Promise<EventStoreError> {
  try {
    await using _store = await open(dataDir)
  } catch (error) {
    if (error instanceof EventStoreError) return error
    throw error
  }
  throw new Error('it opened')
}

/** A folder whose store holds some events, closed. */
async function filledDataDir(): Promise<TemporaryDataDir> {
  const dataDir = temporaryDataDir()
  await using store = await open(dataDir)
  const events = Array.from({ length: 200 }, () => newEvent({ data: { filler: 'x'.repeat(300) } }))
  await store.append('filled', events, 'no_stream')
  return dataDir
}

describe('opening a store', () => {
  test('makes the folder and a database that says what it is', async () => {
    using dataDir = temporaryDataDir()
    const folder = `${dataDir.folder}/a/b`
    await using store = await createSqliteEventStore({ dataDir: folder })
    await store.append('first', [newEvent()], 'no_stream')
    await store.close()
    const database = new DatabaseSync(`${folder}/events.sqlite`)
    expect(pragmaNumber(database, 'application_id')).toBe(applicationId)
    expect(pragmaNumber(database, 'user_version')).toBe(schemaVersion)
    database.close()
  })

  test('syncs each commit in full', () => {
    using dataDir = temporaryDataDir()
    const database = openWriter(dataDir.database)
    // 2 is FULL (https://www.sqlite.org/pragma.html#pragma_synchronous).
    expect(pragmaNumber(database, 'synchronous')).toBe(2)
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    database.close()
  })

  test('after a clean close there is no log, after a crash there is, and both open', async () => {
    using dataDir = await filledDataDir()
    expect(statSync(`${dataDir.database}-wal`, { throwIfNoEntry: false })).toBeUndefined()
    await using store = await open(dataDir)
    await store.append('after', [newEvent()], 'no_stream')
    using image = crashImage(dataDir)
    expect(statSync(`${image.database}-wal`).size).toBeGreaterThan(0)
    await using crashed = await open(image)
    expect(await readEverything(crashed)).toEqual(await readEverything(store))
  })
})

describe('a store of an older schema', () => {
  /** As the second schema's code left it: each stream has two events. */
  function olderStore(streams: readonly string[]): TemporaryDataDir {
    const dataDir = temporaryDataDir()
    const database = openWriter(dataDir.database)
    for (const step of migrations.slice(0, 2)) database.exec(step)
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = 2`)
    const insert = database.prepare(`INSERT INTO events VALUES (NULL, ?, ?, 1, ?, ?, ?, '{}', '{}')`)
    database.exec('BEGIN')
    for (const revision of [0, 1])
      for (const stream of streams)
        insert.run(streamHash(stream), revision, stream, `${stream} ${revision}`, revision === 0 ? 'First' : 'Second')
    database.exec('COMMIT')
    database.close()
    return dataDir
  }

  test.each([
    { count: 300, indexed: 0 },
    // Too many to be held in memory.
    { count: 40_000, indexed: 80_000 },
  ])('is brought up to date, with all that is in it: $count streams', async ({ count, indexed }) => {
    const streams = Array.from({ length: count }, (_, n) => `stream-${n}`)
    using dataDir = olderStore(streams)
    await using store = await open(dataDir)
    using database = new DatabaseSync(dataDir.database, { readOnly: true })
    expect(database.prepare('SELECT position FROM indexed').get()).toEqual({ position: indexed })
    for (const stream of streams.slice(-300)) {
      expect(store.isSurelyEmpty?.(stream)).toBe(false)
      const events = await store.read(stream, { direction: 'forwards', maxCount: 9 })
      expect(events.map(({ id }) => id)).toEqual([`${stream} 0`, `${stream} 1`])
      expect(await store.append(stream, [newEvent()], 'no_stream')).toEqual({ kind: 'conflict', actual: 1n })
    }
    const ofType = (await readEverything(store, { types: ['Second', 'Third'] })).map(({ id }) => id)
    expect(ofType).toEqual(streams.map((stream) => `${stream} 1`))
  })

  test('is not read by what only reads: it says what to do', async () => {
    using dataDir = olderStore(['one'])
    expect(() => openSqliteHistory({ dataDir: dataDir.folder })).toThrow(
      `has schema 2, and this version of Holdfast reads schema ${schemaVersion}: start its server`,
    )
    await (await open(dataDir)).close()
    await using history = openSqliteHistory({ dataDir: dataDir.folder })
    expect(await history.streamEvents('one')).toHaveLength(2)
  })
})

describe('a folder that is refused', () => {
  test('in use, in this process too: the message names folder and process', async () => {
    using dataDir = temporaryDataDir()
    await using _store = await open(dataDir)
    const error = await refusal(dataDir)
    expect(error.code).toBe('unavailable')
    expect(error.message).toContain(dataDir.folder)
    expect(error.message).toContain(`process ${process.pid}`)
  })

  test('a schema of a newer version, untouched', async () => {
    using dataDir = await filledDataDir()
    const database = new DatabaseSync(dataDir.database)
    database.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
    database.close()
    const error = await refusal(dataDir)
    expect(error.code).toBe('unavailable')
    expect(error.message).toContain(`has schema ${schemaVersion + 1}`)
    const after = new DatabaseSync(dataDir.database)
    expect(pragmaNumber(after, 'user_version')).toBe(schemaVersion + 1)
    after.close()
  })

  test('a refusal leaves the folder free', async () => {
    using dataDir = await filledDataDir()
    const sound = readFileSync(dataDir.database)
    writeFileSync(dataDir.database, 'no database')
    await refusal(dataDir)
    writeFileSync(dataDir.database, sound)
    await using store = await open(dataDir)
    expect(await readEverything(store)).toHaveLength(200)
  })

  test.each([
    {
      case: 'no database',
      damage: ({ database }) => {
        writeFileSync(database, 'This is a text.\n'.repeat(500))
      },
    },
    {
      case: 'cut off',
      damage: ({ database }) => {
        truncateSync(database, statSync(database).size - 3 * 4096)
      },
    },
    {
      case: 'pages overwritten',
      damage: ({ database }) => {
        overwrite(database, 2 * 4096, 4096 * 8)
      },
    },
    {
      case: 'a header overwritten',
      damage: ({ database }) => {
        overwrite(database, 20, 80)
      },
    },
    {
      case: 'emptied, with a log beside it',
      damage: (dataDir) => {
        truncateSync(dataDir.database)
        writeFileSync(`${dataDir.database}-wal`, 'log')
      },
    },
    {
      case: 'gone, with a log beside it',
      damage: (dataDir) => {
        rmSync(dataDir.database)
        writeFileSync(`${dataDir.database}-wal`, 'log')
      },
    },
    {
      case: 'a database of something else',
      damage: (dataDir) => {
        foreign(dataDir.database)
      },
    },
  ] as const satisfies readonly { case: string; damage: (dataDir: TemporaryDataDir) => void }[])(
    'corrupt: $case; the message says what to do',
    async ({ damage }) => {
      using dataDir = await filledDataDir()
      damage(dataDir)
      const error = await refusal(dataDir)
      expect(error.code).toBe('corrupt')
      expect(error.message).toContain(dataDir.database)
      expect(error.message).toContain('restore the last backup')
      expect(error.message).not.toContain('\n')
    },
  )

  test.each(['file', 'file/sub'])('no folder can be made at %s', async (name) => {
    using dataDir = temporaryDataDir()
    writeFileSync(`${dataDir.folder}/file`, '')
    const folder = `${dataDir.folder}/${name}`
    const error = await createSqliteEventStore({ dataDir: folder }).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'EventStoreError', code: 'unavailable' })
    expect(String(error)).toContain(`the data folder ${folder} cannot be used: E`)
  })

  // Only Linux has this file system: it takes no folder, and says ENOENT.
  test.runIf(process.platform === 'linux')('a file system that takes no folder', async () => {
    const error = await createSqliteEventStore({ dataDir: '/proc/holdfast/data' }).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'EventStoreError', code: 'unavailable' })
    expect(String(error)).toContain('the data folder /proc/holdfast/data cannot be used: ENOENT')
  })

  // Whoever may do everything is refused nothing.
  test.skipIf(process.getuid?.() === 0)('a folder that cannot be written to', async () => {
    using dataDir = await filledDataDir()
    chmodSync(dataDir.folder, 0o500)
    const error = await refusal(dataDir)
    chmodSync(dataDir.folder, 0o700)
    expect(error.code).toBe('unavailable')
    expect(error.message).toContain(`the data folder ${dataDir.folder} cannot be used: EACCES`)
  })
})

function overwrite(file: string, from: number, to: number): void {
  const bytes = readFileSync(file)
  bytes.fill(0x5a, from, to)
  writeFileSync(file, bytes)
}

function foreign(file: string): void {
  rmSync(file)
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE cats (name TEXT)')
  database.close()
}
