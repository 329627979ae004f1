import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

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

/** Makes the folder when it is missing, durably. */
export function createFolder(folder: string): void {
  const made = mkdirSync(folder, { recursive: true })
  if (made !== undefined) syncFolder(dirname(made))
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
