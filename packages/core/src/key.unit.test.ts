import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commandIdOf, parseTenant, type IdempotencyKey, type Tenant } from './brands.ts'
import { maxKeyLength, parseIdempotencyKey, uriKey } from './key.ts'

const keyOf = (header: string | undefined): string | undefined => {
  const result = parseIdempotencyKey(header)
  return result.kind === 'key' ? result.key : undefined
}
/** RFC 8941 §4.1.6: how a string is serialised. */
const quoted = (key: string): string => `"${key.replace(/["\\]/g, '\\$&')}"`

const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
/** Every key that a client may mean; bare, it must not look like the start of a quoted string. */
const anyKey = fc.string({ unit: visible, minLength: 1, maxLength: maxKeyLength })

describe('a key in a header', () => {
  test.each([
    { header: 'abc', key: 'abc' },
    { header: '"abc"', key: 'abc' },
    { header: '  "abc"\t', key: 'abc' },
    { header: ' abc ', key: 'abc' },
    { header: '8e03978e-40d5-43dd-bc93-6894a57f9324', key: '8e03978e-40d5-43dd-bc93-6894a57f9324' },
    { header: '"a\\"b"', key: 'a"b' },
    { header: 'a"b', key: 'a"b' },
    { header: '"a\\\\b"', key: 'a\\b' },
    { header: 'a\\b', key: 'a\\b' },
    { header: 'a,b;c=d', key: 'a,b;c=d' },
    { header: "'abc'", key: "'abc'" },
    { header: '__proto__', key: '__proto__' },
    { header: '%20', key: '%20' },
  ])('$header is the key $key', ({ header, key }) => {
    expect(parseIdempotencyKey(header)).toEqual({ kind: 'key', key })
  })

  test('case counts', () => {
    expect(keyOf('ABC')).not.toBe(keyOf('abc'))
  })

  test('that is not there is missing, not invalid', () => {
    expect(parseIdempotencyKey(undefined)).toEqual({ kind: 'missing' })
  })

  test.each([
    { case: 'empty', header: '' },
    { case: 'white space only', header: ' \t ' },
    { case: 'an empty string', header: '""' },
    { case: 'no closing quote', header: '"abc' },
    { case: 'a quote alone', header: '"' },
    { case: 'an escaped closing quote', header: '"abc\\"' },
    { case: 'an escape that RFC 8941 does not know', header: '"a\\nb"' },
    { case: 'an escape at the end', header: '"abc\\' },
    { case: 'text after the closing quote', header: '"abc"def' },
    { case: 'a parameter', header: '"abc";v=1' },
    { case: 'a parameter after a space', header: '"abc" ;v=1' },
    { case: 'a space inside, bare', header: 'a b' },
    { case: 'a space inside, quoted', header: '"a b"' },
    { case: 'a space at the edge, quoted', header: '" abc"' },
    { case: 'a tab inside', header: 'a\tb' },
    { case: 'a control character', header: 'a\u0001b' },
    { case: 'NUL', header: 'a\u0000' },
    { case: 'DEL', header: 'a\u007f' },
    { case: 'a newline at the end', header: 'abc\n' },
    { case: 'a header sent twice, bare, as Node joins it', header: 'abc, abc' },
    { case: 'a header sent twice, quoted', header: '"abc", "abc"' },
    { case: 'a header sent twice, quoted and bare', header: '"abc", abc' },
    { case: 'a header sent twice, bare and quoted', header: 'abc, "abc"' },
    { case: 'a header sent twice, the second one empty', header: 'abc, ' },
    { case: 'Latin-1', header: 'schlüssel' },
    { case: 'a no-break space at the edge', header: '\u00a0abc' },
    { case: 'UTF-8 as Node delivers it', header: Buffer.from('ключ').toString('latin1') },
    { case: 'beyond Latin-1', header: 'k\u212a' },
  ])('is invalid: $case', ({ header }) => {
    const result = parseIdempotencyKey(header)
    expect(result.kind).toBe('invalid')
    expect(result.kind === 'invalid' && result.reason).toMatch(/^it /)
  })

  test('has at most 255 characters after unquoting', () => {
    const [longest, over] = ['k'.repeat(255), 'k'.repeat(256)]
    expect(keyOf(longest)).toBe(longest)
    expect(keyOf(quoted(longest))).toBe(longest)
    // The quoted form may be twice as long as the key.
    expect(keyOf(quoted('"'.repeat(255)))).toBe('"'.repeat(255))
    const refused = parseIdempotencyKey(over)
    expect(refused.kind === 'invalid' && refused.reason).toContain('256')
    expect(keyOf(quoted(over))).toBeUndefined()
  })

  test('property: every key survives quoting', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(keyOf(quoted(key))).toBe(key)
      }),
    )
  })

  test('property: bare and quoted are the same key, whatever stands around them', () => {
    const space = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 })
    fc.assert(
      fc.property(anyKey, space, space, (key, before, after) => {
        // Bare, `"` would begin a quoted string, and `, ` at the end is what Node makes of a second, empty header.
        fc.pre(!key.startsWith('"') && !key.endsWith(','))
        expect(keyOf(before + key + after)).toBe(key)
        expect(keyOf(before + quoted(key) + after)).toBe(key)
      }),
    )
  })

  test('property: two different keys are never read as one', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        expect(keyOf(quoted(one)) === keyOf(quoted(other))).toBe(one === other)
      }),
    )
  })

  test('property: anything at all is a key of 1 to 255 visible characters, or is refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: visible })), (header) => {
        const result = parseIdempotencyKey(header)
        if (result.kind === 'key') expect(result.key).toMatch(/^[\x21-\x7e]{1,255}$/)
        else expect(result.kind).toBe('invalid')
      }),
    )
  })
})

describe('a key made from the URI', () => {
  const path = '/api/orders/{order_id}'

  test('is method and path', () => {
    expect(uriKey('PUT', path, { order_id: 'o-1' })).toBe('PUT /api/orders/o-1')
    expect(uriKey('DELETE', path, { order_id: 'o-1' })).toBe('DELETE /api/orders/o-1')
    expect(uriKey('PUT', '/a/{x}/b/{y}', { x: '1', y: '2' })).toBe('PUT /a/1/b/2')
  })

  test('of two spellings of one path is one key', () => {
    // The router hands over decoded parameters: `%6F-1` and `o-1` arrive alike, and `a%2Fb` as `a/b`.
    expect(uriKey('PUT', path, { order_id: decodeURIComponent('%6F-1') })).toBe(
      uriKey('PUT', path, { order_id: 'o-1' }),
    )
    expect(uriKey('PUT', path, { order_id: decodeURIComponent('a%2fb') })).toBe('PUT /api/orders/a%2Fb')
  })

  test('property: different parameters are different keys', () => {
    const params = fc.record({ x: fc.string({ unit: 'grapheme' }), y: fc.string({ unit: 'grapheme' }) })
    fc.assert(
      fc.property(params, params, (one, other) => {
        const same = one.x === other.x && one.y === other.y
        expect(uriKey('PUT', '/a/{x}/{y}', one) === uriKey('PUT', '/a/{x}/{y}', other)).toBe(same)
      }),
    )
  })

  test('property: no header can name it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (order_id) => {
        const key = uriKey('PUT', path, { order_id })
        for (const header of [key, quoted(key)]) expect(parseIdempotencyKey(header).kind).toBe('invalid')
      }),
    )
  })
})

describe('tenant and key', () => {
  const tenant = (text: string): Tenant => parseTenant(text) ?? expect.fail(`"${text}" is a tenant`)

  test.each(['a', 'acme', 'A.b_c-9', 'x'.repeat(64)])('%s is a tenant', (text) => {
    expect(parseTenant(text)).toBe(text)
  })

  test.each(['', 'a b', 'a/b', 'ü', 'a\u0000', 'a\n', 'x'.repeat(65)])('%j is none', (text) => {
    expect(parseTenant(text)).toBeUndefined()
  })

  test('nobody sees another tenant: the same key of two tenants is two commands', () => {
    const key = 'k' as IdempotencyKey
    expect(commandIdOf(tenant('a'), key)).not.toBe(commandIdOf(tenant('b'), key))
    expect(commandIdOf(tenant('a'), 'bc' as IdempotencyKey)).not.toBe(commandIdOf(tenant('ab'), 'c' as IdempotencyKey))
  })

  test('the id is public for good: it never changes for a pair', () => {
    const id = commandIdOf(tenant('acme'), 'order-1' as IdempotencyKey)
    // printf 'acme\0order-1' | sha256sum
    expect(id).toBe('af5f4f1841e88ebcae502028d51c062c1259dc625be203876e8e01dad4da9b32')
  })
})
