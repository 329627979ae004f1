import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { openWriter, pragmaNumber } from './connections.ts'
import { createFolder, syncFolder } from './data-dir.ts'
import type { DataDir } from './data-dir.ts'
import { corruptMessage, FaultError } from './faults.ts'
import { applicationId, migrations, schemaVersion } from './schema.ts'
import type { Database } from './sqlite.ts'

const fileMark = 'SQLite format 3\0'

/** Largest file whose structure is checked whole at each start: about a tenth of a second. */
const alwaysCheckBytes = 64 * 1024 * 1024
/** Largest file that is checked whole after the last process did not close it: some seconds. */
const uncleanCheckBytes = 2 * 1024 * 1024 * 1024

/**
 * Brings the database of a data folder to the current schema, once, before anything else opens it: makes it when it is
 * missing, checks that it is a sound store of Holdfast, replays the log that a killed process left, migrates.
 *
 * @throws FaultError `corrupt` for a file that is damaged or no event store; `unavailable` for one of a newer
 *   Holdfast; SQLite's own errors
 */
export function prepareDatabase(dataDir: DataDir): void {
  const path = dataDir.database
  const bytes = sizeOf(path)
  const logBytes = sizeOf(`${path}-wal`)
  checkFile(path, { bytes, logBytes })
  createFolder(dataDir.folder)
  let database: Database | undefined
  try {
    database = openWriter(path)
    checkIdentity(database, path)
    if (bytes <= alwaysCheckBytes || (logBytes > 0 && bytes <= uncleanCheckBytes)) checkStructure(database, path)
    migrate(database)
  } finally {
    // The last connection to close copies the log into the database and deletes it.
    database?.close()
  }
  if (bytes === 0) syncFolder(dataDir.folder)
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** What can be told without SQLite, which would take some of these for a new database. */
function checkFile(path: string, sizes: { bytes: number; logBytes: number }): void {
  if (sizes.bytes === 0) {
    if (sizes.logBytes === 0) return
    // SQLite deletes the log of an empty database, and with it what was acknowledged.
    throw new FaultError('corrupt', corruptMessage(path, 'the file is missing or empty, but its log is there'))
  }
  const head = Buffer.alloc(fileMark.length)
  const file = openSync(path, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  if (head.toString('latin1') !== fileMark) throw new FaultError('corrupt', corruptMessage(path, 'not a database'))
}

/** @throws FaultError unless it is empty or an event store of a version that this code knows */
export function checkIdentity(database: Database, path: string): void {
  const id = pragmaNumber(database, 'application_id')
  const version = pragmaNumber(database, 'user_version')
  if (id === applicationId) {
    if (version <= schemaVersion) return
    throw new FaultError(
      'unavailable',
      `the event store ${path} has schema ${version}, this version of Holdfast knows schemas up to ${schemaVersion}: ` +
        'start the newer version, or restore a backup that this one made',
    )
  }
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number }
  if (id === 0 && version === 0 && tables === 0) return
  throw new FaultError('corrupt', corruptMessage(path, 'a database, but no event store of Holdfast'))
}

/** `quick_check` walks all pages; unlike `integrity_check` it does not compare each index with its table. */
export function checkStructure(database: Database, path: string): void {
  const findings = database
    .prepare('PRAGMA quick_check(3)')
    .all()
    .flatMap((row) => Object.values(row).map(String))
  if (findings.join() !== 'ok') throw new FaultError('corrupt', corruptMessage(path, findings.join('; ')))
}

/** Applies the steps that are missing, each in a transaction with its number. */
function migrate(database: Database): void {
  for (const [index, step] of migrations.entries()) {
    if (index < pragmaNumber(database, 'user_version')) continue
    database.exec(`
      BEGIN IMMEDIATE;
      ${step}
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${index + 1};
      COMMIT;
    `)
  }
}
