import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyTable } from './key-table.ts'

/** Few ids, most of which share a bucket. */
const ids = ['abc0', 'abc1', 'abc2', 'abd0', '0000', 'ffff'].map((end) => end.padStart(64, '0')).concat('', 'ab', '7/~')

describe('KeyTable', () => {
  test('holds what a map would hold', () => {
    const change = fc.record({
      id: fc.constantFrom(...ids),
      value: fc.integer({ min: 1, max: 3 }),
      what: fc.constantFrom('set', 'delete', 'delete this value'),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const table = new KeyTable<number, string>()
        const map = new Map<string, number>()
        for (const { id, value, what } of changes) {
          if (what === 'set') {
            table.set(id, value)
            map.set(id, value)
          } else if (what === 'delete') {
            expect(table.delete(id)).toBe(map.delete(id))
          } else {
            table.delete(id, value)
            if (map.get(id) === value) map.delete(id)
          }
          for (const known of ids) expect(table.get(known)).toBe(map.get(known))
          expect([table.size, [...table.values()].sort()]).toEqual([map.size, [...map.values()].sort()])
        }
      }),
    )
  })
})
