import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { BackupMessage, BackupOrder } from './backup.ts'
import { openReader } from './connections.ts'
import { syncFolder } from './data-dir.ts'
import { FaultError, faultOf } from './faults.ts'
import { checkIdentity, checkStructure } from './prepare-database.ts'
import { backup } from './sqlite.ts'
import type { Database } from './sqlite.ts'

/** The thread that copies a store: see backup.ts. */

const { source, target } = workerData as BackupOrder

async function run(): Promise<BackupMessage> {
  if (!existsSync(source)) throw new FaultError('unavailable', `there is no event store ${source}`)
  assertFree()
  const partial = `${target}.partial-${randomUUID()}`
  try {
    await copyTo(partial)
    const summary = check(partial)
    syncFile(partial)
    giveName(partial)
    return { kind: 'done', bytes: statSync(target).size, ...summary }
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(partial + suffix, { force: true })
  }
}

function assertFree(): void {
  if (existsSync(target)) {
    throw new FaultError('unavailable', `${target} exists: a backup does not overwrite; choose another name`)
  }
}

/** All pages in one step: it reads one state of the database, and a writer does not make it begin again. */
const allPages = 2 ** 31 - 1

async function copyTo(file: string): Promise<void> {
  const database = openReader(source)
  try {
    checkIdentity(database, source)
    await backup(database, file, { rate: allPages })
  } finally {
    database.close()
  }
}

/** Positions have no gaps but for what was removed on purpose: a copy without its middle would show here. */
function check(file: string): { readonly events: number; readonly position: number } {
  const database: Database = openReader(file)
  try {
    checkIdentity(database, file)
    checkStructure(database, file)
    const sums = 'SELECT count(*) AS events, coalesce(max(position), 0) AS position FROM events'
    const { events, position } = database.prepare(sums).get() as { events: number; position: number }
    // A file that only an older Holdfast has served has no such table, and nothing was removed from it.
    const counts = 'SELECT count(*) AS tables FROM sqlite_schema WHERE name = ?'
    const { tables } = database.prepare(counts).get('removals') as { tables: number }
    const { removed } = (
      tables === 0 ? { removed: 0 } : database.prepare('SELECT events AS removed FROM removals').get()
    ) as {
      removed: number
    }
    if (events + removed !== position)
      throw new FaultError('corrupt', `${source} has ${events} events up to ${position}, and ${removed} were removed`)
    return { events, position }
  } finally {
    database.close()
  }
}

function syncFile(file: string): void {
  const handle = openSync(file, 'r+')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** A link, unlike a rename, does not replace what has come into being there. Some file systems have none. */
function giveName(file: string): void {
  try {
    linkSync(file, target)
  } catch {
    assertFree()
    renameSync(file, target)
  }
  syncFolder(dirname(target))
}

run().then(
  (message) => parentPort?.postMessage(message),
  (error: unknown) => {
    const message: BackupMessage = { kind: 'failed', fault: faultOf(error, { path: source }) }
    parentPort?.postMessage(message)
  },
)
