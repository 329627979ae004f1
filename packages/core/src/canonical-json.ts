import type { JsonValue } from './json.ts'

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, no white space, ECMAScript's own form of strings and
 * numbers. Members that are `undefined` are left out, as JSON.stringify does.
 *
 * @throws TypeError for what I-JSON (RFC 7493) cannot carry: a non-finite number, a lone surrogate, a value that is
 *   not JSON (function, bigint, symbol, Date, Map, …)
 */
export function canonicalJson(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value)
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} is not a JSON number`)
      return JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return isArray(value) ? canonicalArray(value) : canonicalObject(value)
    default:
      throw new TypeError(`a ${typeof value} is not JSON`)
  }
}

const isArray = (value: object): value is readonly JsonValue[] => Array.isArray(value)

function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('a string with a lone surrogate is not JSON')
  return JSON.stringify(text)
}

function canonicalArray(values: readonly JsonValue[]): string {
  let text = '['
  for (let at = 0; at < values.length; at++) {
    if (at > 0) text += ','
    text += canonicalJson(values[at] as JsonValue)
  }
  return `${text}]`
}

function canonicalObject(object: Readonly<Record<string, JsonValue | undefined>>): string {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('only plain objects are JSON')
  let text = '{'
  for (const name of sortedNames(object)) {
    const value = object[name]
    if (value === undefined) continue
    if (text.length > 1) text += ','
    text += `${canonicalString(name)}:${canonicalJson(value)}`
  }
  return `${text}}`
}

/** The default order of sort() is that of UTF-16 code units, as RFC 8785 §3.2.3 asks; most objects stand in it already. */
function sortedNames(object: object): readonly string[] {
  const names = Object.keys(object)
  for (let at = 1; at < names.length; at++) {
    if ((names[at - 1] ?? '') > (names[at] ?? '')) return names.sort()
  }
  return names
}
