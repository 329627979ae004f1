/**
 * The error catalogue: every code that Holdfast itself answers with. Codes are never reused.
 * `docs/errors.md` is generated from it, and `/problems/<code>` serves each entry as a page.
 */
export interface ErrorEntry {
  /** HTTP status of the answer. */
  readonly status: number
  /** Short, stable summary: the `title` of the problem document. */
  readonly title: string
  /** True when the same request with the same key may be sent again, as it is, and can succeed. */
  readonly retryable: boolean
  /** What has happened, for the reader of `/problems/<code>`. */
  readonly meaning: string
  /** What the caller does now. */
  readonly action: string
}

const entry = (status: number, title: string, rest: Omit<ErrorEntry, 'status' | 'title'>): ErrorEntry => ({
  status,
  title,
  ...rest,
})

export const errorCatalogue = {
  unauthenticated: entry(401, 'Authentication required', {
    retryable: false,
    meaning: 'The gateway is set up with API keys, and the request carries none that it knows.',
    action: 'Send `Authorization: Bearer <api key>`.',
  }),
  'operator-required': entry(403, 'Only operators may do this', {
    retryable: false,
    meaning: 'Releasing a key takes an operator, and the request does not carry the key of one.',
    action: 'Send `Authorization: Bearer <operator key>`; operators are set up with HOLDFAST_OPERATOR_KEYS.',
  }),
  'idempotency-key-missing': entry(400, 'Idempotency-Key is missing', {
    retryable: false,
    meaning: 'This command needs an Idempotency-Key header, so that retries of the request can be recognised.',
    action: 'Make one random key per intent (a UUID is fine), send it, and keep it for every retry.',
  }),
  'idempotency-key-invalid': entry(400, 'Idempotency-Key is invalid', {
    retryable: false,
    meaning:
      'The key is not 1 to 255 visible ASCII characters, bare or as a quoted RFC 8941 string, or it was sent more than once.',
    action: 'Send exactly one well-formed key.',
  }),
  'request-malformed': entry(400, 'Request is malformed', {
    retryable: false,
    meaning:
      'The bytes are not HTTP or not JSON that means one thing only: bad syntax, invalid UTF-8, a member name twice, `__proto__`, nesting that is too deep, or a number that cannot be carried exactly.',
    action: 'Correct the body. Send numbers that exceed double precision as strings.',
  }),
  'request-invalid': entry(400, 'Request body is invalid', {
    retryable: false,
    meaning: "The body is JSON, but not what the command's schema asks for. `issues` lists each fault by its path.",
    action: 'Correct the members that are named. The key has not been used up.',
  }),
  'results-query-invalid': entry(400, 'Query of the results is invalid', {
    retryable: false,
    meaning:
      '`GET /results` takes `command`, `outcome` and `after`, and a `Last-Event-ID` that this installation has sent. `issues` lists what is wrong.',
    action: 'Correct the query. A consumer whose position is lost starts without one, and deduplicates by event id.',
  }),
  'projection-query-invalid': entry(400, 'Query of a projection is invalid', {
    retryable: false,
    meaning:
      'Projections take `at` (a position or an RFC 3339 time), `after` (a position), and lists also `limit` (1 to 1000) and `cursor`. `issues` lists what is wrong.',
    action: 'Correct the query.',
  }),
  'not-found': entry(404, 'No such resource', {
    retryable: false,
    meaning: 'Nothing is served under this path.',
    action: 'See `/openapi.json` for the routes of this gateway.',
  }),
  'command-not-found': entry(404, 'No such command', {
    retryable: false,
    meaning: 'No command with this id is known to this tenant.',
    action: 'Check the id. A command that was answered 202 or 2xx is always found.',
  }),
  'projection-not-found': entry(404, 'No such projection', {
    retryable: false,
    meaning: 'The application has no projection of this name, or this gateway has no read store.',
    action: 'See `/openapi.json` for the projections of this application. `detail` says which it is.',
  }),
  'document-not-found': entry(404, 'No such document', {
    retryable: false,
    meaning: 'The projection holds no document with this id for this tenant, at the position that the answer names.',
    action: 'If a command has just made it, read with `after=<Projection-Position of its answer>`.',
  }),
  'idempotency-key-not-found': entry(404, 'Key was never used', {
    retryable: false,
    meaning: 'This tenant has no command under this key: the request that carried it never became durable.',
    action: 'It is safe to send the request.',
  }),
  'method-not-allowed': entry(405, 'Method not allowed', {
    retryable: false,
    meaning: 'The path exists, but not with this method. `Allow` lists the methods that do.',
    action: 'Use one of the methods in `Allow`.',
  }),
  'request-timeout': entry(408, 'Request took too long to arrive', {
    retryable: true,
    meaning: 'Headers or body did not arrive in time, and the connection is closed.',
    action: 'Send the request again with the same key.',
  }),
  'command-in-progress': entry(409, 'Command is in progress', {
    retryable: true,
    meaning: 'The first attempt is still running, and this command does not let retries wait for it.',
    action: 'Retry with the same key after `Retry-After` seconds.',
  }),
  superseded: entry(409, 'Request was superseded', {
    retryable: false,
    meaning:
      'A newer request for the same resource was executed while this one was under way. This one was not executed.',
    action: 'Look at the resource as it is now; send the request again only if it is still what you want.',
  }),
  'idempotency-key-expired': entry(410, 'Idempotency-Key has expired', {
    retryable: false,
    meaning:
      'The key was used, its retention has passed, and this command does not execute again under an expired key; or this attempt was under way for so long that the history of its key has been removed meanwhile.',
    action: 'Look up the first outcome with `GET /idempotency-keys/{key}`; use a new key for a new intent.',
  }),
  'body-too-large': entry(413, 'Request body is too large', {
    retryable: false,
    meaning: 'The body is larger than HOLDFAST_MAX_BODY_BYTES, or its outcome would be larger than the store accepts.',
    action: 'Send less, or a reference to the data.',
  }),
  'content-type-unsupported': entry(415, 'Content-Type is not supported', {
    retryable: false,
    meaning: 'Commands take `application/json`, in UTF-8.',
    action: 'Send `Content-Type: application/json`.',
  }),
  'idempotency-key-reused': entry(422, 'Idempotency-Key was used for another request', {
    retryable: false,
    meaning: 'This key already names another command, or the same command with another body.',
    action: 'Use a new key for a new intent; to retry, send the first request unchanged.',
  }),
  'headers-too-large': entry(431, 'Request headers are too large', {
    retryable: false,
    meaning: 'The request line and headers exceed 16 KiB.',
    action: 'Send smaller headers.',
  }),
  'command-failed': entry(500, 'Command failed', {
    retryable: false,
    meaning: 'The command was tried as often as it allows, and failed for good. This is its recorded outcome.',
    action: 'Ask the operator. A retry with this key gets the same answer.',
  }),
  internal: entry(500, 'Internal error', {
    retryable: true,
    meaning: 'The gateway failed in a way that it does not know. What became durable stays so.',
    action: 'Retry with the same key, which is safe, and report the request id if it goes on.',
  }),
  unavailable: entry(503, 'Temporarily unavailable', {
    retryable: true,
    meaning:
      'The store or the broker cannot be reached, or the gateway is shutting down. Nothing runs unprotected: the command was not acknowledged.',
    action: 'Retry with the same key after `Retry-After` seconds.',
  }),
  overloaded: entry(503, 'Too many requests in flight', {
    retryable: true,
    meaning: 'The gateway is working on as many requests as HOLDFAST_MAX_IN_FLIGHT allows.',
    action: 'Retry with the same key after `Retry-After` seconds.',
  }),
  'projection-behind': entry(503, 'Projection has not come so far', {
    retryable: true,
    meaning:
      'The projection has not reached the position that the request asks for within HOLDFAST_PROJECTION_WAIT_MS, or this version of it is still being built.',
    action: 'Ask again after `Retry-After` seconds.',
  }),
  'too-many-consumers': entry(503, 'Too many consumers of the results', {
    retryable: true,
    meaning: 'The gateway serves as many connections to `GET /results` as HOLDFAST_RESULTS_MAX_CONSUMERS allows.',
    action: 'Try again after `Retry-After` seconds, or at another gateway.',
  }),
} as const satisfies Record<string, ErrorEntry>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue

/** Narrows a string to a code of the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code)
}
