import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { FaultError } from './faults.ts'

/** The files of a store. SQLite adds `events.sqlite-wal` and `events.sqlite-shm` while it is open. */
export interface DataDir {
  /** Absolute. */
  readonly folder: string
  readonly database: string
  /** Its file lock is what counts; it stays empty. */
  readonly lock: string
  /** Who took the lock last, for the message to whoever is refused. Means nothing by itself. */
  readonly lockHolder: string
}

export function dataDirOf(folder: string): DataDir {
  const absolute = resolve(folder)
  return {
    folder: absolute,
    database: join(absolute, 'events.sqlite'),
    lock: join(absolute, 'events.lock'),
    lockHolder: join(absolute, 'events.lock.json'),
  }
}

/**
 * Makes the folder when it is missing, durably, and sees that it can be written to.
 *
 * @throws FaultError `unavailable` with the folder and the reason
 */
export function createFolder(folder: string): void {
  try {
    const made = makeMissing(folder)
    if (made !== undefined) syncFolder(dirname(made))
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new FaultError('unavailable', `the data folder ${folder} cannot be used: ${reason}`, { cause: error })
  }
}

/**
 * The first folder that had to be made. Step by step: with `recursive`, Node's `mkdirSync` never returns where a folder that is
 * there takes no new one and calls that ENOENT, as `/proc` does.
 */
function makeMissing(folder: string): string | undefined {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return undefined
  const parent = dirname(folder)
  const above = existsSync(parent) ? undefined : makeMissing(parent)
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another process may have made it meanwhile.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
  return above ?? folder
}

/** Makes the names in a folder durable. Windows cannot open a folder, and needs no such sync. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const file = openSync(folder, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
