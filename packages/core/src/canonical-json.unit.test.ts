import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.ts'
import type { JsonValue } from './json.ts'

/** Values that I-JSON carries. */
const anyJson = fc.jsonValue({ noUnicodeString: false }).filter((value) => wellFormed(JSON.stringify(value)))
const wellFormed = (text: string): boolean => text.isWellFormed() && !/\\ud[89a-f]/i.test(text)

/** The same value with the members of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]): [string, unknown] => [name, reversed(member)])
      .reverse(),
  )
}

describe("RFC 8785's own examples", () => {
  test('section 3.2.2: literals, numbers and strings', () => {
    const input = `{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`
    expect(canonicalJson(JSON.parse(input) as JsonValue)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  test('section 3.2.3: names in the order of their UTF-16 code units', () => {
    const input = `{
      "\\u20ac": "Euro Sign", "\\r": "Carriage Return", "\\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\\ud83d\\ude00": "Emoji: Grinning Face", "\\u0080": "Control", "\\u00f6": "Latin Small Letter O With Diaeresis"
    }`
    const order = Object.values(JSON.parse(canonicalJson(JSON.parse(input) as JsonValue)) as object)
    // "1" stands first in every JavaScript object, so the text is looked at too.
    expect(canonicalJson(JSON.parse(input) as JsonValue).startsWith('{"\\r":"Carriage Return","1":"One",')).toBe(true)
    expect(order.filter((value) => value !== 'One')).toEqual([
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      // Code points would put the emoji last.
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })

  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('appendix B: the double %s is %s', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text)
  })

  test('appendix B: NaN and infinities are refused', () => {
    for (const bits of ['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000']) {
      expect(() => canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toThrow(TypeError)
    }
  })
})

describe('canonical JSON', () => {
  test.each<[JsonValue, string]>([
    [null, 'null'],
    [true, 'true'],
    ['', '""'],
    [[], '[]'],
    [{}, '{}'],
    [[[], [{}]], '[[],[{}]]'],
    [{ b: 1, a: [2, 1] }, '{"a":[2,1],"b":1}'],
    [{ 10: 'a', 9: 'b' }, '{"10":"a","9":"b"}'],
    [{ aa: 1, a: 2, '': 3, A: 4 }, '{"":3,"A":4,"a":2,"aa":1}'],
    ['\u2028\u007f/', '"\u2028\u007f/"'],
    [-0, '0'],
  ])('%j', (value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })

  test('members that are undefined are left out, as JSON.stringify does', () => {
    expect(canonicalJson({ b: undefined, a: 1 } as unknown as JsonValue)).toBe('{"a":1}')
    expect(canonicalJson({ a: undefined } as unknown as JsonValue)).toBe('{}')
  })

  test('an object without a prototype is plain, a member named __proto__ is a member', () => {
    const bare = Object.assign(Object.create(null) as Record<string, JsonValue>, { b: 1, a: 2 })
    expect(canonicalJson(bare)).toBe('{"a":2,"b":1}')
    expect(canonicalJson(JSON.parse('{"__proto__":{"b":1},"a":2}') as JsonValue)).toBe('{"__proto__":{"b":1},"a":2}')
  })

  test.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udc00': 1 }],
    ['undefined', undefined],
    ['undefined in an array', [undefined]],
    ['a hole in an array', Array.from({ length: 1 })],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['a set', new Set()],
    ['a buffer', Buffer.from('x')],
    ['a class instance', new (class Point {})()],
    ['an error', new Error('x')],
    ['deep inside', { a: [{ b: [new Date(0)] }] }],
  ])('%s is refused: it would be lost without a word', (_name, value) => {
    expect(() => canonicalJson(value as JsonValue)).toThrow(TypeError)
  })

  test('property: it is the same value', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'))
        expect(JSON.parse(canonicalJson(value as JsonValue))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('property: it is its own canonical form', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = canonicalJson(value as JsonValue)
        expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(text)
      }),
    )
  })

  test('property: the order of members does not matter, the order of elements does', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (one, other) => {
        expect(canonicalJson(reversed(one) as JsonValue)).toBe(canonicalJson(one as JsonValue))
        const [a, b] = [canonicalJson(one as JsonValue), canonicalJson(other as JsonValue)]
        expect(canonicalJson([one, other] as JsonValue) === canonicalJson([other, one] as JsonValue)).toBe(a === b)
      }),
    )
  })

  test('property: no white space outside strings', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(canonicalJson(value as JsonValue).replace(/"(?:[^"\\]|\\.)*"/g, '""')).not.toMatch(/\s/)
      }),
    )
  })
})
