import { EventStoreError } from '@holdfast/core'
import { faultOf } from './faults.ts'
import type { Fault } from './faults.ts'

export const errorOf = (fault: Fault, cause?: unknown): EventStoreError =>
  new EventStoreError(fault.code, fault.message, cause === undefined ? undefined : { cause })

/** The error to throw for one that came up on the way: an EventStoreError as it is, others by what SQLite says. */
export const eventStoreErrorOf = (error: unknown, path: string): EventStoreError =>
  error instanceof EventStoreError ? error : errorOf(faultOf(error, { path }), error)
