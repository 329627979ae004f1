import type { JsonObject, JsonValue } from './json.ts'

export type JsonParseResult =
  { readonly kind: 'value'; readonly value: JsonValue } | { readonly kind: 'invalid'; readonly reason: string }

/** Deepest nesting that is taken: far beyond any real command, far below what exhausts a stack. */
export const maxJsonDepth = 128

class JsonFault extends Error {}

/**
 * Parses JSON that means one thing only, since a fingerprint is made from it. Beyond RFC 8259's syntax it refuses what
 * I-JSON (RFC 7493) warns of: a member name twice, a number that double precision cannot carry, a lone surrogate; and
 * `__proto__` as a name, and nesting deeper than {@link maxJsonDepth}.
 */
export function parseStrictJson(text: string): JsonParseResult {
  const parser = new Parser(text)
  try {
    return { kind: 'value', value: parser.document() }
  } catch (error) {
    if (error instanceof JsonFault) return { kind: 'invalid', reason: error.message }
    throw error
  }
}

const code = {
  tab: 0x09,
  newline: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  bracketOpen: 0x5b,
  backslash: 0x5c,
  bracketClose: 0x5d,
  braceOpen: 0x7b,
  braceClose: 0x7d,
} as const

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** Up to 15 digits, an integer is exact. */
const safeDigits = 15

class Parser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): JsonValue {
    this.#skipSpace()
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#fault('text after the end of the value')
    return value
  }

  #value(): JsonValue {
    const first = this.#text.charCodeAt(this.#at)
    if (first === code.quote) return this.#string()
    if (first === code.braceOpen) return this.#nested(() => this.#object())
    if (first === code.bracketOpen) return this.#nested(() => this.#array())
    if (first === code.minus || (first >= code.zero && first <= code.nine)) return this.#number()
    if (this.#text.startsWith('true', this.#at)) return this.#literal(4, true)
    if (this.#text.startsWith('false', this.#at)) return this.#literal(5, false)
    if (this.#text.startsWith('null', this.#at)) return this.#literal(4, null)
    throw this.#fault(Number.isNaN(first) ? 'the text ends too early' : 'no value starts here')
  }

  #literal(length: number, value: JsonValue): JsonValue {
    this.#at += length
    return value
  }

  #nested(parse: () => JsonValue): JsonValue {
    if (++this.#depth > maxJsonDepth) throw this.#fault(`nesting deeper than ${maxJsonDepth} levels`)
    this.#at++
    const value = parse()
    this.#depth--
    return value
  }

  #object(): JsonObject {
    const object: Record<string, JsonValue> = {}
    if (this.#next() === code.braceClose) return this.#close(object)
    for (;;) {
      if (this.#next() !== code.quote) throw this.#fault('a member name is expected')
      const name = this.#string()
      if (name === '__proto__') throw this.#fault('the member name "__proto__" is not allowed')
      if (Object.hasOwn(object, name)) throw this.#fault(`the member ${JSON.stringify(name)} stands twice`)
      if (this.#next() !== code.colon) throw this.#fault('":" is expected')
      this.#at++
      this.#skipSpace()
      object[name] = this.#value()
      const after = this.#next()
      if (after === code.braceClose) return this.#close(object)
      if (after !== code.comma) throw this.#fault('"," or "}" is expected')
      this.#at++
    }
  }

  #array(): readonly JsonValue[] {
    const values: JsonValue[] = []
    if (this.#next() === code.bracketClose) return this.#close(values)
    for (;;) {
      this.#skipSpace()
      values.push(this.#value())
      const after = this.#next()
      if (after === code.bracketClose) return this.#close(values)
      if (after !== code.comma) throw this.#fault('"," or "]" is expected')
      this.#at++
    }
  }

  #close<T>(value: T): T {
    this.#at++
    return value
  }

  #string(): string {
    const start = this.#at
    let escaped = false
    for (let at = start + 1; at < this.#text.length; at++) {
      const unit = this.#text.charCodeAt(at)
      if (unit === code.quote) {
        this.#at = at + 1
        const text = escaped ? this.#unescape(start, at + 1) : this.#text.slice(start + 1, at)
        if (!text.isWellFormed()) throw this.#fault('a string holds a lone surrogate')
        return text
      }
      if (unit === code.backslash) {
        escaped = true
        at++
      } else if (unit < code.space) {
        throw this.#fault('a control character stands unescaped in a string')
      }
    }
    throw this.#fault('a string does not end')
  }

  #unescape(start: number, end: number): string {
    try {
      return JSON.parse(this.#text.slice(start, end)) as string
    } catch {
      throw this.#fault('a string holds an escape that JSON does not know')
    }
  }

  #number(): number {
    numberPattern.lastIndex = this.#at
    const text = numberPattern.exec(this.#text)?.[0]
    if (text === undefined) throw this.#fault('a number is malformed')
    this.#at += text.length
    const next = this.#text.charCodeAt(this.#at)
    if (next >= code.zero && next <= code.nine) throw this.#fault('a number has a leading zero')
    const value = Number(text)
    // Zero takes the long way: `1e-400` is not zero, and becomes it.
    const surely = text.length <= safeDigits && Number.isInteger(value) && value !== 0
    if (!surely && !isExact(text, value)) {
      throw this.#fault(`the number ${text.slice(0, 40)} cannot be carried exactly; send it as a string`)
    }
    return value === 0 ? 0 : value
  }

  #next(): number {
    this.#skipSpace()
    return this.#text.charCodeAt(this.#at)
  }

  #skipSpace(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at)
      if (unit !== code.space && unit !== code.newline && unit !== code.carriageReturn && unit !== code.tab) return
      this.#at++
    }
  }

  #fault(reason: string): JsonFault {
    return new JsonFault(`${reason} (at character ${this.#at})`)
  }
}

/** True when the shortest decimal form of the double is the same decimal number as the text. */
function isExact(text: string, value: number): boolean {
  return Number.isFinite(value) && decimal(text) === decimal(String(value))
}

/** A decimal number in one normal form: significant digits and exponent. */
function decimal(text: string): string {
  const match = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!match) return text
  const fraction = match[2] ?? ''
  const digits = `${match[1] ?? ''}${fraction}`
  // By hand: `/0+$/` is quadratic in the zeros that do not stand at the end, and a body may hold a million of them.
  let [start, end] = [0, digits.length]
  while (start < end && digits.charCodeAt(start) === code.zero) start++
  while (end > start && digits.charCodeAt(end - 1) === code.zero) end--
  if (start === end) return '0'
  const exponent = Number(match[3] ?? 0) - fraction.length + (digits.length - end)
  return `${digits.slice(start, end)}e${exponent}`
}
