import { parseIdempotencyKey } from '@holdfast/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertKey, keyHeader, newKey } from './key.ts'

describe('keys', () => {
  test('are UUIDs of version 7, which differ, and sort by time', () => {
    const keys = Array.from({ length: 1_000 }, () => newKey())
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(keys).size).toBe(keys.length)
    expect(newKey(1_000) < newKey(2_000)).toBe(true)
    // The example of RFC 9562, appendix A.6.
    expect(newKey(1_645_557_742_000).slice(0, 15)).toBe('017f22e2-79b0-7')
  })

  test('any key that the contract takes means itself when it arrives', () => {
    const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) })
    fc.assert(
      fc.property(
        visible.filter(({ length }) => length > 0 && length <= 255),
        (key) => {
          assertKey(key)
          expect(parseIdempotencyKey(keyHeader(key))).toMatchObject({ kind: 'key', key })
        },
      ),
    )
  })

  test.each(['', ' ', 'a b', 'ö', 'a\nb', 'x'.repeat(256)])('%j is refused', (key) => {
    expect(() => assertKey(key)).toThrow(TypeError)
  })
})
