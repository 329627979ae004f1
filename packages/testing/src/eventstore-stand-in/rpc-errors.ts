import type { StatusObject } from '@grpc/grpc-js'
import { Metadata, status } from '@grpc/grpc-js'

/** An error of a unary or streaming call: the server says what it is in trailers. */
export type RpcError = Partial<StatusObject> & { readonly code: number; readonly details: string }

const withTrailers = (code: number, details: string, trailers: Readonly<Record<string, string>>): RpcError => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value)
  return { code, details, metadata }
}

/** A header value is ASCII; the server leaves other stream names to the transport's own rules, we escape them. */
const headerText = (text: string): string => (/^[\x20-\x7e]*$/.test(text) ? text : encodeURI(text))

export const streamDeletedError = (stream: string): RpcError =>
  withTrailers(status.FAILED_PRECONDITION, `Event stream '${headerText(stream)}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': headerText(stream),
  })

export const wrongExpectedVersionError = (stream: string, expected: string, actual: string): RpcError =>
  withTrailers(status.FAILED_PRECONDITION, 'WrongExpectedVersion', {
    exception: 'wrong-expected-version',
    'stream-name': headerText(stream),
    'expected-version': expected,
    'actual-version': actual,
  })

export const maximumAppendSizeError = (bytes: number): RpcError =>
  withTrailers(status.INVALID_ARGUMENT, `Maximum Append Size of ${bytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(bytes),
  })

export const notLeaderError = (leader: { readonly host: string; readonly port: number }): RpcError =>
  withTrailers(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.host,
    'leader-endpoint-port': String(leader.port),
  })

export const timeoutError: RpcError = { code: status.ABORTED, details: 'Operation timed out: Commit phase timeout.' }
export const unavailableError: RpcError = { code: status.UNAVAILABLE, details: 'Server Is Not Ready' }
export const invalidPositionError: RpcError = {
  code: status.INVALID_ARGUMENT,
  details: 'Trying to read from an invalid position.',
}
