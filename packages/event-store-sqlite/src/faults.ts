import type { EventStoreErrorCode } from '@holdfast/core'

/** An EventStoreError as plain data, to cross threads. */
export interface Fault {
  readonly code: EventStoreErrorCode
  readonly message: string
}

/**
 * A fault within this package. Callers get an EventStoreError made from it (fault-error.ts): what runs in a thread does
 * not import core, which would cost each thread a tenth of a second and its memory.
 */
export class FaultError extends Error {
  override readonly name = 'FaultError'
  readonly code: EventStoreErrorCode

  constructor(code: EventStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** SQLite's result codes (https://www.sqlite.org/rescode.html): primary ones, and one extended. */
const resultCode = { busy: 5, corrupt: 11, full: 13, notADatabase: 26, ioerrWrite: 778 } as const

/** The extended result code of an error of `node:sqlite`; 0 for other errors. */
function extendedCode(error: unknown): number {
  const errcode = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined
  return typeof errcode === 'number' ? errcode : 0
}

const primaryCode = (error: unknown): number => extendedCode(error) & 0xff

/** With SQLite's code, where it is SQLite that says it. */
const reasonOf = (error: unknown): string => {
  const code = extendedCode(error)
  const reason = error instanceof Error ? error.message : String(error)
  return code === 0 ? reason : `${reason} (SQLite ${code})`
}

/** True when another connection holds the lock that was asked for. */
export const isBusy = (error: unknown): boolean => primaryCode(error) === resultCode.busy

/** True when there was no room; the connection is sound, and works again once there is. */
export const isDiskFull = (error: unknown): boolean => primaryCode(error) === resultCode.full

/**
 * What an error of SQLite means to a caller.
 *
 * `duringCommit`: a commit writes its frames to the log, the mark of the commit on the last of them, and syncs. If a
 * frame could not be written, no mark is there, and nothing will be found. After any other error, above all of the sync,
 * all of it may stand in the log, where a recovery after a crash would find it: the outcome is unknown.
 */
export function faultOf(error: unknown, context: { path: string; duringCommit?: boolean }): Fault {
  if (error instanceof FaultError) return { code: error.code, message: error.message }
  const { path, duringCommit = false } = context
  if (isDiskFull(error)) {
    return {
      code: 'unavailable',
      message: `no space left for the event store ${path}: make room, it goes on by itself`,
    }
  }
  const message = `the event store ${path} failed: ${reasonOf(error)}`
  if (duringCommit && extendedCode(error) !== resultCode.ioerrWrite) return { code: 'unknown-outcome', message }
  switch (primaryCode(error)) {
    case resultCode.corrupt:
    case resultCode.notADatabase:
      return { code: 'corrupt', message: corruptMessage(path, reasonOf(error)) }
    default:
      return { code: 'unavailable', message }
  }
}

/** What is wrong with the file, and what to do about it; on one line, SQLite's findings are of several. */
export const corruptMessage = (path: string, reason: string): string =>
  `the event store ${path} is damaged (${reason.replace(/\s*\n\s*/g, ' ')}). Stop, keep a copy of the file with its -wal, and either restore the ` +
  `last backup in its place or recover what can be read with \`sqlite3 ${path} .recover\`, and then have its indexes made anew by \`UPDATE indexed SET position = -1\``
