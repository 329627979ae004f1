import type { EventStoreError } from '@holdfast/core'
import { resolve } from 'node:path'
import { dataDirOf } from './data-dir.ts'
import { errorOf } from './fault-error.ts'
import type { Fault } from './faults.ts'
import { startThread } from './threads.ts'

/** A copy that was made, checked and synced. */
export interface Backup {
  /** Absolute path of the file. */
  readonly target: string
  readonly bytes: number
  /** Events in it. */
  readonly events: number
  /** Position of the last of them; 0n for none. */
  readonly position: bigint
}

export interface BackupOptions {
  /** The store's data folder. A process may be writing to it: its lock is not needed. */
  readonly dataDir: string
  /** The file to make; must not exist. To restore, put it as `events.sqlite` into an empty folder. */
  readonly target: string
}

/** From the thread that copies. */
export type BackupMessage =
  | { readonly kind: 'done'; readonly bytes: number; readonly events: number; readonly position: number }
  | { readonly kind: 'failed'; readonly fault: Fault }

/** What the thread that copies is given. */
export interface BackupOrder {
  readonly source: string
  readonly target: string
}

/**
 * Copies an event store to a file, as of one moment between two transactions, while it is in use, from any process. The
 * copy is made under another name, checked whole and synced; only then it gets its name. Runs on a thread of its own.
 *
 * While it runs the store's log cannot be begun anew: it grows by what is written meanwhile.
 *
 * @throws EventStoreError `unavailable` when there is no store, the target exists, or there is no room; `corrupt` when
 *   the store is damaged
 */
export async function backupDataDir(options: BackupOptions): Promise<Backup> {
  const target = resolve(options.target)
  const workerData: BackupOrder = { source: dataDirOf(options.dataDir).database, target }
  const worker = startThread('backup-thread', { workerData })
  const message = await new Promise<BackupMessage>((settle, fail) => {
    worker.once('message', settle)
    worker.once('error', fail)
    worker.once('exit', () => {
      fail(unexplained(target))
    })
  })
  if (message.kind === 'failed') throw errorOf(message.fault)
  const { bytes, events, position } = message
  return { target, bytes, events, position: BigInt(position) }
}

const unexplained = (target: string): EventStoreError =>
  errorOf({ code: 'unavailable', message: `the thread that copies to ${target} ended before it was done` })
