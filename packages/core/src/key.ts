import type { IdempotencyKey } from './brands.ts'

export const maxKeyLength = 255

export type KeyParseResult =
  | { readonly kind: 'key'; readonly key: IdempotencyKey }
  | { readonly kind: 'missing' }
  | { readonly kind: 'invalid'; readonly reason: string }

const missing: KeyParseResult = { kind: 'missing' }
const invalid = (reason: string): KeyParseResult => ({ kind: 'invalid', reason })

const quote = 0x22
const backslash = 0x5c
const visible = /^[\x21-\x7e]+$/
const printable = /^[\t\x20-\x7e]*$/

/**
 * Parses the value of an `Idempotency-Key` header. A quoted string (RFC 8941 §3.3.3) and the bare text inside it are
 * the same key: most clients send keys bare. Parameters behind the string are refused: none is defined.
 *
 * Node joins a header that was sent twice with `, `; as a key holds no space, that is always invalid, as it has to be
 * (also when the second one was empty: a single header does not end in a space).
 */
export function parseIdempotencyKey(header: string | undefined): KeyParseResult {
  if (header === undefined) return missing
  if (!printable.test(header)) return invalid('it has characters outside visible ASCII')
  const text = header.trim()
  if (text === '') return invalid('it is empty')
  if (header.endsWith(', ')) return invalid('it was sent twice')
  const key = text.charCodeAt(0) === quote ? unquote(text) : text
  if (key === undefined) return invalid('it starts as a quoted string and is not one (RFC 8941, section 3.3.3)')
  if (key === '') return invalid('it is empty')
  if (key.length > maxKeyLength) return invalid(`it has ${key.length} characters, and ${maxKeyLength} are allowed`)
  if (!visible.test(key)) {
    return invalid('it has characters outside visible ASCII (a header that is sent twice arrives with ", " inside)')
  }
  return { kind: 'key', key: key as IdempotencyKey }
}

/** RFC 8941 §4.2.5: only `\"` and `\\` are escapes, and nothing may follow the closing quote. */
function unquote(text: string): string | undefined {
  let result = ''
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at === text.length - 1 ? result : undefined
    if (code === backslash) {
      at++
      const next = text.charCodeAt(at)
      if (next !== quote && next !== backslash) return undefined
    }
    result += text[at] ?? ''
  }
  return undefined
}

/**
 * The key of a command that the URI identifies: method and path, the parameters percent-encoded anew so that two
 * spellings of one path are one key. It contains a space, so no `Idempotency-Key` header can name it.
 */
export function uriKey(method: string, path: string, params: Readonly<Record<string, string>>): IdempotencyKey {
  const resolved = path.replace(/\{([^}]+)\}/g, (_match, name: string) => encodeURIComponent(params[name] ?? ''))
  return `${method} ${resolved}` as IdempotencyKey
}
