import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fingerprintOf } from './fingerprint.ts'
import type { JsonValue } from './json.ts'
import { parseStrictJson } from './strict-json.ts'

const parsed = (text: string): JsonValue => {
  const result = parseStrictJson(text)
  return result.kind === 'value' ? result.value : expect.fail(result.reason)
}

describe('a key means one request: the fingerprint', () => {
  test('is SHA-256 of name and canonical input: it may be recomputed by an auditor', () => {
    const expected = hash('sha256', 'order.place\n{"product_id":"abc","quantity":2}', 'hex')
    expect(fingerprintOf('order.place', { quantity: 2, product_id: 'abc' })).toBe(expected)
    expect(expected).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each([
    ['{"quantity":2,"product_id":"abc"}'],
    ['{ "product_id" : "abc",\r\n\t"quantity" : 2 }'],
    ['{"product_id":"\\u0061bc","quantity":2}'],
    ['{"product\\u005fid":"abc","quantity":2.0}'],
    ['{"product_id":"abc","quantity":20e-1}'],
  ])('of the same request, written otherwise, is the same: %s', (text) => {
    expect(fingerprintOf('order.place', parsed(text))).toBe(
      fingerprintOf('order.place', parsed('{"product_id":"abc","quantity":2}')),
    )
  })

  test.each([
    ['{"product_id":"abc","quantity":3}'],
    ['{"product_id":"abc","quantity":"2"}'],
    ['{"product_id":"ABC","quantity":2}'],
    ['{"product_id":"abc"}'],
    ['{"product_id":"abc","quantity":2,"note":null}'],
    ['[{"product_id":"abc","quantity":2}]'],
  ])('of another request is another: %s', (text) => {
    expect(fingerprintOf('order.place', parsed(text))).not.toBe(
      fingerprintOf('order.place', parsed('{"product_id":"abc","quantity":2}')),
    )
  })

  test("the command's name counts: the same key on /refund does not replay /pay", () => {
    expect(fingerprintOf('pay', { amount: 1 })).not.toBe(fingerprintOf('refund', { amount: 1 }))
    // Name and input cannot be shifted into each other.
    expect(fingerprintOf('a', '\n"b"')).not.toBe(fingerprintOf('a\n', '"b"'))
  })

  test('property: two requests have one fingerprint exactly if they are one value', () => {
    const body = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<JsonValue>(1, '1', true, null, [1], []))
    fc.assert(
      fc.property(body, body, (one, other) => {
        const sorted = (value: object): string => JSON.stringify(Object.entries(value).sort())
        expect(fingerprintOf('c', one) === fingerprintOf('c', other)).toBe(sorted(one) === sorted(other))
      }),
    )
  })
})
