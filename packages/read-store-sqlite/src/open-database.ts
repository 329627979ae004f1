import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { ReadStoreError } from '@holdfast/core'
import { remedy } from './faults.ts'
import { applicationId, migrations, schemaVersion } from './schema.ts'
import { DatabaseSync, type Database } from './sqlite.ts'

const writerCacheKiB = 16 * 1024
const readerCacheKiB = 4 * 1024
/** After so many pages of 4 KiB the log is copied into the database and begun anew. */
const checkpointPages = 4_000
const logLimitBytes = 64 * 1024 * 1024
/** Another process may be writing: each of its transactions is short. */
const busyTimeoutMs = 10_000

/**
 * Opens the connection that writes. `synchronous=NORMAL`: a commit is not synced, so that after a power failure the last
 * ones may be gone. They go whole, documents with their checkpoint, and are folded again; a `kill -9` loses none.
 */
export function openWriter(path: string): Database {
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
  try {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = ${checkpointPages};
      PRAGMA journal_size_limit = ${logLimitBytes};
      PRAGMA cache_size = -${writerCacheKiB};
    `)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Opens a connection that cannot write. */
export function openReader(path: string): Database {
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs })
  try {
    database.exec(`PRAGMA cache_size = -${readerCacheKiB}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Makes the file when it is missing, checks that it is a read store, brings it to the current schema.
 *
 * @throws ReadStoreError `corrupt` for another kind of file; `unavailable` for a newer schema; SQLite's own errors
 */
export function prepareDatabase(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const database = openWriter(path)
  try {
    const id = pragmaNumber(database, 'application_id')
    const version = pragmaNumber(database, 'user_version')
    if (id === applicationId ? version > schemaVersion : !isEmpty(database)) {
      throw id === applicationId
        ? new ReadStoreError(
            'unavailable',
            `the read store ${path} has schema ${version}, of a newer Holdfast: ${remedy}`,
          )
        : new ReadStoreError('corrupt', `${path} is no read store of Holdfast`)
    }
    migrate(database)
  } finally {
    database.close()
  }
}

function isEmpty(database: Database): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
}

/** Two processes may do it at the same time: the second one finds it done. */
function migrate(database: Database): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const step of migrations.slice(pragmaNumber(database, 'user_version'))) database.exec(step)
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`)
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

const pragmaNumber = (database: Database, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
