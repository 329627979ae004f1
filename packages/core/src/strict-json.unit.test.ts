import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from './json.ts'
import { maxJsonDepth, parseStrictJson } from './strict-json.ts'

const valueOf = (text: string): JsonValue => {
  const result = parseStrictJson(text)
  return result.kind === 'value' ? result.value : expect.fail(`${text.slice(0, 80)}: ${result.reason}`)
}
const reasonOf = (text: string): string => {
  const result = parseStrictJson(text)
  return result.kind === 'invalid' ? result.reason : expect.fail(`${text.slice(0, 80)} was taken`)
}
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const deepObject = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

describe('agreement with JSON.parse', () => {
  const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 })
  const anyJson = fc.jsonValue({ noUnicodeString: false }).filter((value) => JSON.stringify(value).isWellFormed())

  test('property: every value that JSON.stringify writes is read back as JSON.parse reads it', () => {
    fc.assert(
      fc.property(anyJson, space, fc.constantFrom(undefined, 1, '\t'), (value, around, indent) => {
        const text = around + JSON.stringify(value, null, indent) + around
        const expected = JSON.parse(text) as JsonValue
        fc.pre(!text.includes('__proto__') && !/\\ud[89a-f]/i.test(text))
        expect(valueOf(text)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('property: what is not JSON is refused, never thrown', () => {
    const fragment = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        'a',
        '1',
        '0',
        '-',
        '.',
        'e',
        '+',
        ' ',
        'true',
        'null',
        '"a"',
        '\\u00',
      ],
    )
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (fragments) => {
        const text = fragments.join('')
        const mine = parseStrictJson(text)
        let theirs: JsonValue | undefined
        try {
          theirs = JSON.parse(text) as JsonValue
        } catch {
          theirs = undefined
        }
        // Stricter, never laxer; and equal where both take it (but for -0, which is 0).
        if (theirs === undefined) expect(mine.kind).toBe('invalid')
        else if (mine.kind === 'value') expect(JSON.stringify(mine.value)).toBe(JSON.stringify(theirs))
      }),
      { numRuns: 2_000 },
    )
  })

  test('property: one character changed anywhere is never taken where JSON.parse refuses', () => {
    fc.assert(
      fc.property(anyJson, fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (value, at, other) => {
        const text = JSON.stringify(value)
        const where = at % text.length
        const changed = text.slice(0, where) + other + text.slice(where + 1)
        let known = true
        try {
          JSON.parse(changed)
        } catch {
          known = false
        }
        if (!known) expect(parseStrictJson(changed).kind).toBe('invalid')
      }),
      { numRuns: 500 },
    )
  })
})

describe('syntax', () => {
  test.each([
    ['', /too early/],
    [' ', /too early/],
    ['{', /member name/],
    ['[', /too early/],
    ['{"a"', /":"/],
    ['{"a":', /too early/],
    ['{"a":1', /"," or "}"/],
    ['{"a":1,', /member name/],
    ['{"a":1,}', /member name/],
    ['[1,]', /no value/],
    ['[1', /"," or "]"/],
    ['[1 2]', /"," or "]"/],
    ['{a:1}', /member name/],
    ["{'a':1}", /member name/],
    ['{"a" 1}', /":"/],
    ['1 2', /after the end/],
    ['{}{}', /after the end/],
    ['{}x', /after the end/],
    ['{}\u0000', /after the end/],
    ['nul', /no value/],
    ['True', /no value/],
    ['truex', /after the end/],
    ['undefined', /no value/],
    ['NaN', /no value/],
    ['Infinity', /no value/],
    ['-Infinity', /malformed/],
    ['// x\n1', /no value/],
    ['1 /* x */', /after the end/],
    ['\ufeff{}', /no value/],
    ['\u00a0{}', /no value/],
    ['\u2028{}', /no value/],
    ['"abc', /does not end/],
    ['"', /does not end/],
    ['"\\', /does not end/],
    ['"\\"', /does not end/],
    ['"a\nb"', /control character/],
    ['"a\tb"', /control character/],
    ['"\u0000"', /control character/],
    ['"\u001f"', /control character/],
    ['"\\x41"', /escape/],
    ['"\\u12"', /escape/],
    ['"\\u12g4"', /escape/],
    ['"\\\n"', /escape/],
    ["'a'", /no value/],
  ])('%j is refused', (text, reason) => {
    expect(reasonOf(text)).toMatch(reason)
  })

  test('the reason says where', () => {
    expect(reasonOf('{"a": 1, "b": x}')).toContain('at character 14')
  })

  test.each(['0', '""', 'null', 'true', 'false', '[]', '{}', ' [ ] ', '{ }', '\r\n\t 1', '"\u007f\u2028\u2029"'])(
    '%j is taken',
    (text) => {
      expect(valueOf(text)).toEqual(JSON.parse(text))
    },
  )

  test('all escapes', () => {
    const text = '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\uD83D\\uDE42"'
    expect(valueOf(text)).toBe(JSON.parse(text))
  })
})

describe('strings that are not Unicode', () => {
  test.each(['"\\ud800"', '"\\udc00"', '"\\ud83dx"', '"\\ude42\\ud83d"', '"\ud800"', '{"\\ud800":1}', '["a\udfff"]'])(
    '%j has a lone surrogate',
    (text) => {
      expect(reasonOf(text)).toMatch(/lone surrogate/)
    },
  )

  test('a pair is one character, escaped or not, in values and in names', () => {
    expect(valueOf('{"\\ud83d\\ude42":"🙂"}')).toEqual({ '🙂': '🙂' })
  })
})

describe('a member twice', () => {
  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1,"\\u0061":2}',
    '{"\\u0061":1,"a":2}',
    '{"":1,"":2}',
    '{"x":[{"a":1,"a":2}]}',
    '{"constructor":1,"constructor":2}',
    '{"toString":null,"toString":null}',
    '{"🙂":1,"\\ud83d\\ude42":2}',
  ])('%s is refused', (text) => {
    expect(reasonOf(text)).toMatch(/stands twice/)
  })

  test('the same name in two objects is none, nor is another case or another composition', () => {
    const text = '{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":2,"é":1,"e\u0301":2}'
    expect(valueOf(text)).toEqual(JSON.parse(text))
  })

  test('names of Object.prototype are names like any other', () => {
    const value = valueOf('{"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":4,"prototype":5}')
    expect(Object.entries(value as object)).toHaveLength(5)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })
})

describe('__proto__', () => {
  test.each([
    '{"__proto__":{"polluted":true}}',
    '{"__proto__":null}',
    '{"__proto__":1}',
    '{"\\u005f_proto__":{"polluted":true}}',
    '{"\\u005f\\u005fproto\\u005f\\u005f":{}}',
    '{"a":[{"b":{"__proto__":{}}}]}',
  ])('%s is refused, and nothing is polluted', (text) => {
    expect(reasonOf(text)).toMatch(/"__proto__" is not allowed/)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('as a value it is a string', () => {
    expect(valueOf('["__proto__", "\\u005f_proto__"]')).toEqual(['__proto__', '__proto__'])
  })
})

describe('nesting', () => {
  test('128 levels are taken, 129 are not: arrays, objects, both', () => {
    expect(maxJsonDepth).toBe(128)
    const mixed = (levels: number): string =>
      `${'['.repeat(levels % 2)}${'[{"a":'.repeat(levels >> 1)}1${'}]'.repeat(levels >> 1)}${']'.repeat(levels % 2)}`
    for (const make of [nested, deepObject, mixed]) {
      expect(JSON.stringify(valueOf(make(128)))).toBe(make(128))
      expect(reasonOf(make(129))).toMatch(/deeper than 128/)
    }
  })

  test.each([5_000, 100_000, 500_000])('%d levels are refused, without exhausting the stack', (levels) => {
    for (const text of [nested(levels), deepObject(levels), '['.repeat(levels), '{"a":'.repeat(levels)]) {
      expect(reasonOf(text)).toMatch(/deeper than 128/)
    }
  })

  test('counts levels, not values: a thousand neighbours are one level', () => {
    const text = `[${Array.from({ length: 1_000 }, () => nested(127)).join(',')}]`
    expect(valueOf(text)).toHaveLength(1_000)
  })
})
