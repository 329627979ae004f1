/** An ordinary request, as it stands in the bytes of a socket. */
export interface DirectRequest {
  readonly kind: 'request'
  readonly idempotencyKey: string | undefined
  readonly authorization: string | undefined
  readonly prefer: string | undefined
  readonly traceparent: string | undefined
  readonly contentType: string
  /** Where the body begins; it goes on to the end of the bytes. */
  readonly bodyAt: number
  /** `Connection: close`. */
  readonly close: boolean
}

/**
 * - `request`: the bytes are one request, whole, and nothing else
 * - `incomplete`: the head of one, and less than its body
 * - undefined: anything else
 */
export type Reading = DirectRequest | { readonly kind: 'incomplete' } | undefined

/** Longest head, bytes: half of what Node takes. */
const longestHead = 8_192
const mostHeaders = 64

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const colon = 0x3a

const tableOf = (holds: (number: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_none, number) => (holds(number) ? 1 : 0))

/** RFC 9110, section 5.6.2: `tchar`. */
const isTokenByte = tableOf((code) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(code)))
/** RFC 9110, section 5.5: `field-vchar`, and the blanks between. */
const isValueByte = tableOf((code) => code === tab || (code >= space && code !== 0x7f))

/** What a command needs of a head; undefined where it was not sent. */
class Head {
  host: string | undefined
  contentType: string | undefined
  contentLength: string | undefined
  idempotencyKey: string | undefined
  authorization: string | undefined
  prefer: string | undefined
  traceparent: string | undefined
  connection: string | undefined

  /** False for a header that an ordinary request does not have, or has once. Others say nothing to us, nor to Node. */
  take(name: string, value: string): boolean {
    switch (name) {
      case 'host':
        if (this.host !== undefined) return false
        this.host = value
        return true
      case 'content-type':
        if (this.contentType !== undefined) return false
        this.contentType = value
        return true
      case 'content-length':
        if (this.contentLength !== undefined) return false
        this.contentLength = value
        return true
      case 'idempotency-key':
        if (this.idempotencyKey !== undefined) return false
        this.idempotencyKey = value
        return true
      case 'authorization':
        if (this.authorization !== undefined) return false
        this.authorization = value
        return true
      case 'prefer':
        if (this.prefer !== undefined) return false
        this.prefer = value
        return true
      case 'traceparent':
        if (this.traceparent !== undefined) return false
        this.traceparent = value
        return true
      case 'connection':
        if (this.connection !== undefined) return false
        this.connection = value.toLowerCase()
        return true
      case 'content-encoding':
      case 'expect':
      case 'http2-settings':
      case 'origin':
      case 'proxy-connection':
      case 'te':
      case 'trailer':
      case 'transfer-encoding':
      case 'upgrade':
        return false
      default:
        return true
    }
  }
}

/**
 * Reads a request from its bytes as Latin-1 text. Its first line, which ends at `lineEnd` (the place of its CR), was found to
 * be that of a command.
 *
 * It is RFC 9112 without all that an ordinary client does not send. What is taken here Node's parser takes as well, and
 * reads the same in it (`read-request.unit.test.ts` compares the two); where there is any doubt nothing is taken, and
 * Node's decides.
 */
export function readRequest(text: string, lineEnd: number, maxBodyBytes: number): Reading {
  const head = new Head()
  let at = lineEnd + 2
  for (let count = 0; text.charCodeAt(at) !== carriageReturn; count++) {
    const nameAt = at
    while (isTokenByte[text.charCodeAt(at)] === 1) at++
    const nameEnd = at
    if (nameEnd === nameAt || text.charCodeAt(at) !== colon || count === mostHeaders) return undefined
    at++
    while (isBlank(text.charCodeAt(at))) at++
    const valueAt = at
    while (isValueByte[text.charCodeAt(at)] === 1) at++
    if (text.charCodeAt(at) !== carriageReturn || text.charCodeAt(at + 1) !== lineFeed) return undefined
    let valueEnd = at
    while (valueEnd > valueAt && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--
    if (!head.take(text.slice(nameAt, nameEnd).toLowerCase(), text.slice(valueAt, valueEnd))) return undefined
    at += 2
  }
  const bodyAt = at + 2
  if (text.charCodeAt(at + 1) !== lineFeed || bodyAt > longestHead) return undefined
  return requestOf(head, { bodyAt, bodyBytes: text.length - bodyAt, maxBodyBytes })
}

const isBlank = (code: number): boolean => code === space || code === tab

interface Body {
  readonly bodyAt: number
  /** That are there. */
  readonly bodyBytes: number
  readonly maxBodyBytes: number
}

/** At most seven digits: Node takes what is larger, or has a zero in front. */
const lengthPattern = /^[1-9]\d{0,6}$/

function requestOf(
  { host, contentType, contentLength = '', connection = 'keep-alive', ...others }: Head,
  { bodyAt, bodyBytes, maxBodyBytes }: Body,
): Reading {
  if (host === undefined || contentType === undefined || !lengthPattern.test(contentLength)) return undefined
  if (connection !== 'keep-alive' && connection !== 'close') return undefined
  const length = Number(contentLength)
  if (length > maxBodyBytes) return undefined
  const missing = length - bodyBytes
  // What stands behind it would be another request.
  if (missing < 0) return undefined
  if (missing > 0) return { kind: 'incomplete' }
  const { idempotencyKey, authorization, prefer, traceparent } = others
  return {
    kind: 'request',
    idempotencyKey,
    authorization,
    prefer,
    traceparent,
    contentType,
    bodyAt,
    close: connection === 'close',
  }
}
