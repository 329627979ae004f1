import { readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { DataDir } from './data-dir.ts'
import { FaultError, isBusy } from './faults.ts'
import { DatabaseSync } from './sqlite.ts'

/** The right to write in a data folder. */
export interface DataDirLock {
  release(): void
}

/**
 * Takes the data folder for this process. Node has no file locks, SQLite has: an exclusive transaction on a database of
 * its own, which stays empty. The operating system drops the lock with the process, so that a `kill -9` leaves none.
 *
 * The lock is advisory and of one machine: a folder on a network file system is not protected from another machine.
 *
 * @throws FaultError `unavailable` with the folder and the process that holds it
 */
export function lockDataDir(dataDir: DataDir): DataDirLock {
  const database = new DatabaseSync(dataDir.lock, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw new FaultError(
      'unavailable',
      `the data folder ${dataDir.folder} is in use by ${holderOf(dataDir)}: stop that process, or choose another folder`,
      { cause: error },
    )
  }
  const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  writeFileSync(dataDir.lockHolder, `${JSON.stringify(holder)}\n`)
  return {
    release: () => {
      if (database.isOpen) database.close()
    },
  }
}

function holderOf(dataDir: DataDir): string {
  try {
    const holder = JSON.parse(readFileSync(dataDir.lockHolder, 'utf8')) as Record<'pid' | 'host' | 'since', unknown>
    return `process ${String(holder.pid)} on ${String(holder.host)} (since ${String(holder.since)})`
  } catch {
    return 'another process'
  }
}
