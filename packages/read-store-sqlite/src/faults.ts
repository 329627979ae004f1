import { ReadStoreError, type ReadStoreErrorCode } from '@holdfast/core'

/** A fault as it crosses from the writing thread. */
export interface Fault {
  readonly code: ReadStoreErrorCode
  readonly message: string
}

/** SQLite's result codes for a file that is damaged or no database (https://www.sqlite.org/rescode.html). */
const damaged = new Set([11, 26])

/** What an error of SQLite means to whoever uses the store. */
export function faultOf(error: unknown, path: string): Fault {
  if (error instanceof ReadStoreError) return { code: error.code, message: error.message }
  const code = (error as { errcode?: unknown }).errcode
  const reason = error instanceof Error ? error.message : String(error)
  if (typeof code === 'number' && damaged.has(code & 0xff)) {
    return { code: 'corrupt', message: `the read store ${path} is damaged (${reason}): ${remedy}` }
  }
  return { code: 'unavailable', message: `the read store ${path} cannot be used now: ${reason}` }
}

/** Nothing is in the file that does not follow from the events. */
export const remedy = 'stop the process and delete it with its -wal and -shm; it is built again from the events'

export const errorOf = ({ code, message }: Fault): ReadStoreError => new ReadStoreError(code, message)
