import type { Database } from './sqlite.ts'
import { DatabaseSync } from './sqlite.ts'

/**
 * Page cache of the writing connection. New events go to the end of the table, and those that come into the index go there in its
 * order, so that a larger cache would mostly hold what nobody asks for again (24 MiB: no faster with a million keys).
 */
const writerCacheKiB = 8 * 1024
/** Each commit of the writer empties a reader's cache, so that a larger one would stand mostly unused. */
const readerCacheKiB = 4 * 1024
/**
 * After so many pages of 4 KiB the log is copied into the database and begun anew, and commits wait for that: some
 * milliseconds, where four times as many would be 20 to 30. See README, "The log".
 */
const checkpointPages = 1_000
/** A log that grew, because a backup was reading, is cut back to this. */
const logLimitBytes = 64 * 1024 * 1024
const busyTimeoutMs = 5_000

/**
 * Opens the connection that writes. `synchronous=FULL` syncs the log at every commit; without `fullfsync` a sync on
 * macOS stops at the drive's own cache.
 */
export function openWriter(path: string): Database {
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
  try {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
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

/** The value of a pragma that is one number. */
export function pragmaNumber(database: Database, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
}
