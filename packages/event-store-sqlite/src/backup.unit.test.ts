import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openWriter } from './connections.ts'
import { backupDataDir, createSqliteEventStore } from './index.ts'
import { applicationId, migrations } from './schema.ts'
import { crashImage, newEvent, readEverything, temporaryDataDir } from './testing/kit.ts'
import type { TemporaryDataDir } from './testing/kit.ts'

/** What a restored backup holds. */
async function restored(target: string, into: TemporaryDataDir) {
  renameSync(target, into.database)
  await using store = await createSqliteEventStore({ dataDir: into.folder })
  return await readEverything(store)
}

describe('a backup', () => {
  test('of a store in use holds everything that was acknowledged, and opens as a store', async () => {
    using dataDir = temporaryDataDir()
    using elsewhere = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    for (let n = 0; n < 20; n += 1) await store.append(`s-${n}`, [newEvent({ data: { n } }), newEvent()], 'no_stream')
    const target = `${elsewhere.folder}/copy.sqlite`
    const backup = await store.backup(target)
    expect(backup).toMatchObject({ target, events: 40, position: 40n })
    expect(readdirSync(elsewhere.folder)).toEqual(['copy.sqlite'])
    const events = await restored(target, elsewhere)
    expect(events).toEqual(await readEverything(store))
  })

  test('of a store from which events were removed: what is gone on purpose is no damage, anything else is', async () => {
    using dataDir = temporaryDataDir()
    using elsewhere = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    for (let n = 0; n < 5; n += 1) await store.append(`s-${n}`, [newEvent(), newEvent(), newEvent()], 'no_stream')
    for (const before of [2n, 2n, 100n]) await store.truncate('s-1', before)
    const backup = await store.backup(`${elsewhere.folder}/copy.sqlite`)
    expect(backup).toMatchObject({ events: 13, position: 15n })
    const database = openWriter(dataDir.database)
    database.exec('DELETE FROM events WHERE position = 7')
    database.close()
    await expect(store.backup(`${elsewhere.folder}/other.sqlite`)).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('of a store that only an older version has served', async () => {
    using dataDir = temporaryDataDir()
    using elsewhere = temporaryDataDir()
    const [first = ''] = migrations
    const database = openWriter(dataDir.database)
    database.exec(`${first} PRAGMA application_id = ${applicationId}; PRAGMA user_version = 1;`)
    database.close()
    const target = `${elsewhere.folder}/copy.sqlite`
    expect(await backupDataDir({ dataDir: dataDir.folder, target })).toMatchObject({ events: 0 })
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    await store.append('s', [newEvent(), newEvent()], 'no_stream')
    await store.truncate('s', 1n)
    expect(await store.backup(`${elsewhere.folder}/migrated.sqlite`)).toMatchObject({ events: 1, position: 2n })
  })

  test('while the store is written to is a state between two appends', async () => {
    using dataDir = temporaryDataDir()
    using elsewhere = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    let on = true
    const filler = 'x'.repeat(2_000)
    const writing = Array.from({ length: 10 }, async (_, writer) => {
      for (let n = 0; on; n += 1) {
        await store.append(`s-${writer}-${n}`, [newEvent({ data: { filler } }), newEvent(), newEvent()], 'no_stream')
      }
    })
    while ((await readEverything(store)).length < 300) await new Promise(setImmediate)
    const backup = await store.backup(`${elsewhere.folder}/copy.sqlite`)
    on = false
    await Promise.all(writing)
    expect(backup.events).toBeGreaterThanOrEqual(300)
    expect(backup.events % 3).toBe(0)
    const events = await restored(backup.target, elsewhere)
    expect(events).toEqual((await readEverything(store)).slice(0, backup.events))
  })

  test('of a folder that nobody has open, and of one that a crash left', async () => {
    using dataDir = temporaryDataDir()
    using elsewhere = temporaryDataDir()
    const store = await createSqliteEventStore({ dataDir: dataDir.folder })
    await store.append('one', [newEvent()], 'no_stream')
    using image = crashImage(dataDir)
    await store.close()
    for (const { folder } of [dataDir, image]) {
      expect(await backupDataDir({ dataDir: folder, target: `${elsewhere.folder}/${folder.slice(-6)}` })).toMatchObject(
        { events: 1 },
      )
    }
  })

  test('does not overwrite, and leaves nothing behind when it fails', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    const target = `${dataDir.folder}/backups/taken`
    await expect(store.backup(target)).rejects.toMatchObject({ name: 'EventStoreError', code: 'unavailable' })
    mkdirSync(`${dataDir.folder}/backups`)
    writeFileSync(target, 'something else')
    await expect(store.backup(target)).rejects.toThrow(/exists/)
    expect(readdirSync(`${dataDir.folder}/backups`)).toEqual(['taken'])
  })

  test('of a damaged store is refused, and leaves nothing behind', async () => {
    using dataDir = temporaryDataDir()
    using elsewhere = temporaryDataDir()
    const store = await createSqliteEventStore({ dataDir: dataDir.folder })
    const events = Array.from({ length: 200 }, () => newEvent({ data: { filler: 'x'.repeat(300) } }))
    await store.append('filled', events, 'no_stream')
    await store.close()
    const bytes = readFileSync(dataDir.database)
    bytes.fill(0x5a, bytes.length - 4 * 4096, bytes.length - 3 * 4096)
    writeFileSync(dataDir.database, bytes)
    const backup = backupDataDir({ dataDir: dataDir.folder, target: `${elsewhere.folder}/copy` })
    await expect(backup).rejects.toMatchObject({ name: 'EventStoreError', code: 'corrupt' })
    expect(readdirSync(elsewhere.folder)).toEqual([])
  })

  test('of a folder without a store is refused, and makes none', async () => {
    using dataDir = temporaryDataDir()
    const backup = backupDataDir({ dataDir: dataDir.folder, target: `${dataDir.folder}/copy` })
    await expect(backup).rejects.toThrow(/no event store/)
    expect(existsSync(dataDir.database)).toBe(false)
  })
})
