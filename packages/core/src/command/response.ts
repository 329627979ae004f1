import type { JsonValue } from '../json.ts'
import type { StoredResponse } from '../key-state/events.ts'

/** What a command's `respond` returns: the projection from its event to HTTP. `Body` is what a typed client receives. */
export interface CommandResponse<Body extends JsonValue | undefined = JsonValue | undefined> {
  readonly status: number
  /** Declared headers: recorded, and sent again on every replay. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; left out for none. */
  readonly body?: Body
}

type Headers = Readonly<Record<string, string>>

/** 200 with a body. */
export const ok = <const Body extends JsonValue>(body: Body, headers?: Headers): CommandResponse<Body> => ({
  status: 200,
  body,
  ...(headers && { headers }),
})

/** 201 with a body. */
export const created = <const Body extends JsonValue>(body: Body, headers?: Headers): CommandResponse<Body> => ({
  status: 201,
  body,
  ...(headers && { headers }),
})

/** 204, without a body. */
export const noContent = (headers?: Headers): CommandResponse<undefined> => ({
  status: 204,
  ...(headers && { headers }),
})

export const jsonMediaType = 'application/json; charset=utf-8'

/** Headers that belong to an attempt or to the connection, never to the recorded response. */
const forbidden = new Set([
  'connection',
  'content-length',
  'date',
  'idempotency-key',
  'idempotency-expires',
  'idempotent-replayed',
  'keep-alive',
  'location',
  'set-cookie',
  'transfer-encoding',
  'x-request-id',
])

/** RFC 9110, sections 5.1 and 5.5; what it leaves out, Node refuses to send. */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** RFC 9110, sections 6.4.1 and 15.3.6. */
const hasNoBody = (status: number): boolean => status === 204 || status === 205 || status === 304

/**
 * Renders a response to the bytes that are stored and sent.
 *
 * @throws TypeError for a status outside 200 to 599, a body where the status has none, a header that is not the command's to
 *   set, or one that HTTP cannot carry (recorded, it would fail every replay)
 */
export function renderResponse(response: CommandResponse, mediaType = jsonMediaType): StoredResponse {
  if (!Number.isInteger(response.status) || response.status < 200 || response.status > 599) {
    throw new TypeError(`a response cannot have the status ${response.status}`)
  }
  const body = response.body === undefined ? '' : JSON.stringify(response.body)
  if (body !== '' && hasNoBody(response.status)) {
    throw new TypeError(`a response with the status ${response.status} has no body`)
  }
  if (response.headers === undefined) {
    return { status: response.status, headers: body === '' ? {} : { 'content-type': mediaType }, body }
  }
  const headers: Record<string, string> = body === '' ? {} : { 'content-type': mediaType }
  for (const [name, value] of Object.entries(response.headers)) {
    const lower = name.toLowerCase()
    if (forbidden.has(lower)) throw new TypeError(`a command cannot set the header ${lower}`)
    if (!headerName.test(lower) || !headerValue.test(value)) {
      throw new TypeError(`HTTP cannot carry the header ${JSON.stringify(lower)}, or its value`)
    }
    headers[lower] = value
  }
  return { status: response.status, headers, body }
}
