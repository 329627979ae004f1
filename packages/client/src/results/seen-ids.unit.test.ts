import { describe, expect, test } from 'vitest'
import { SeenIds } from './seen-ids.ts'

describe('ids that were seen', () => {
  test('are known until so many others have come', () => {
    const seen = new SeenIds(3)
    for (const id of ['a', 'b', 'c']) seen.add(id)
    expect(['a', 'b', 'c', 'd'].map((id) => seen.has(id))).toEqual([true, true, true, false])
    seen.add('d')
    expect(['a', 'b', 'c', 'd'].map((id) => seen.has(id))).toEqual([false, true, true, true])
  })

  test('one that comes again counts as new', () => {
    const seen = new SeenIds(2)
    for (const id of ['a', 'b', 'a', 'c']) seen.add(id)
    expect(['a', 'b', 'c'].map((id) => seen.has(id))).toEqual([true, false, true])
  })
})
