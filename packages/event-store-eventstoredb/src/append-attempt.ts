import type { AppendExpectedRevision, AppendResult, EventData } from '@eventstore/db-client'
import {
  AccessDeniedError,
  isCommandError,
  MaxAppendSizeExceededError,
  NO_STREAM,
  StreamDeletedError,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import type { ExpectedRevision } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { Lease } from './connection.ts'
import { timedOut, withinMs } from './waiting.ts'

export interface AppendRequest {
  readonly stream: string
  readonly events: readonly EventData[]
  /** 'any' is for the adapter's own streams only: with it, the server may write the same ids twice. */
  readonly expected: ExpectedRevision | 'any'
}

/** What one call of the client told. */
export type Attempt =
  /** Without a position: the server has found the events stored, but they are not readable any more. */
  | { readonly kind: 'appended'; readonly revision: bigint; readonly position: bigint | undefined }
  | { readonly kind: 'conflict'; readonly actual: ExpectedRevision }
  /** Surely not written. */
  | { readonly kind: 'refused'; readonly error: EventStoreError }
  /** It may have been written, or may still be. */
  | { readonly kind: 'unknown'; readonly cause: unknown }

/**
 * The deadline that is sent with an append is an absolute time by this machine's clock; the server compares it with its
 * own and takes the smaller of it and its own limit. So much is added that clocks may differ by an hour.
 */
const clockSkewMs = 3_600_000

/** Makes one call, and gives up on it after `timeoutMs`, for the client does not. Never throws. */
export async function attemptAppend(lease: Lease, request: AppendRequest, timeoutMs: number): Promise<Attempt> {
  const startMs = performance.now()
  const { session } = lease
  const sent = session.sent.track(request.events[0]?.id ?? '')
  try {
    const call = session.client.appendToStream(request.stream, [...request.events], {
      expectedRevision: expectedOf(request.expected),
      requiresLeader: true,
      deadline: timeoutMs + clockSkewMs,
    })
    const result = await withinMs(call, timeoutMs)
    if (result !== timedOut) return attemptOf(result)
    // Not one answer, to this or to another append, in all that time: the call is dead, though nothing says so.
    if (session.lastAnswerMs() < startMs) lease.retire()
    return { kind: 'unknown', cause: new Error(`no answer within ${timeoutMs} ms`) }
  } catch (error) {
    return failureOf(error, sent.wasSent())
  } finally {
    sent.release()
  }
}

const expectedOf = (expected: AppendRequest['expected']): AppendExpectedRevision =>
  expected === 'no_stream' ? NO_STREAM : expected

const attemptOf = (result: AppendResult): Attempt =>
  result.success
    ? { kind: 'appended', revision: result.nextExpectedRevision, position: result.position?.commit }
    : { kind: 'unknown', cause: new Error('the client reports a failure without saying which') }

/** Errors are told apart by class: in batch mode they carry neither a code nor a text. */
function failureOf(error: unknown, wasSent: boolean): Attempt {
  if (error instanceof WrongExpectedVersionError) {
    const actual = error.actualVersion
    return { kind: 'conflict', actual: typeof actual === 'bigint' ? actual : 'no_stream' }
  }
  if (error instanceof MaxAppendSizeExceededError) {
    const message = `the server takes at most ${error.maxAppendSize} bytes an append`
    return { kind: 'refused', error: new EventStoreError('event-too-large', message, { cause: error }) }
  }
  if (error instanceof StreamDeletedError) {
    const message = `the stream ${error.streamName} was tombstoned: nothing can be appended to it, ever`
    return { kind: 'refused', error: new EventStoreError('corrupt', message, { cause: error }) }
  }
  if (error instanceof AccessDeniedError) {
    return { kind: 'refused', error: new EventStoreError('unavailable', 'the server denies access', { cause: error }) }
  }
  // A raw error came before the append was handed to the call: from finding the server or asking what it supports.
  if (!wasSent && !(error instanceof Error && isCommandError(error))) {
    const message = 'the event store cannot be reached; the append was not sent'
    return { kind: 'refused', error: new EventStoreError('unavailable', message, { cause: error }) }
  }
  return { kind: 'unknown', cause: error }
}
