import { describe, expect, test } from 'vitest'
import { createStreamFilter } from './stream-filter.ts'
import { streamHash } from './stream-hash.ts'

describe('the stream filter', () => {
  test('knows every stream that was added, also those with the outermost hashes', () => {
    const filter = createStreamFilter()
    const hashes = [
      -(2 ** 47),
      2 ** 47 - 1,
      0,
      -1,
      ...Array.from({ length: 50_000 }, (_, n) => streamHash(`stream-${n}`)),
    ]
    for (const hash of hashes) filter.add(hash)
    expect(hashes.filter((hash) => !filter.mayHold(hash))).toEqual([])
  })

  test('knows streams that only look like those of commands', () => {
    const filter = createStreamFilter()
    for (const start of ['-fffffffffff', '+fffffffffff', '0xffffffffff', ' -1', 'g', 'Infinity', '-0', '-1']) {
      const hash = streamHash(`command-${start.padEnd(64, 'f')}`)
      expect([hash >= -(2 ** 47), hash < 2 ** 47]).toEqual([true, true])
      filter.add(hash)
      expect(filter.mayHold(hash)).toBe(true)
    }
  })

  test('denies nearly all others', () => {
    const filter = createStreamFilter()
    for (let n = 0; n < 100_000; n++) filter.add(streamHash(`stream-${n}`))
    const inVain = Array.from({ length: 20_000 }, (_, n) => streamHash(`other-${n}`)).filter((hash) =>
      filter.mayHold(hash),
    )
    expect(inVain.length).toBeLessThan(20)
  })

  test('an empty one holds nothing', () => {
    expect(createStreamFilter().mayHold(streamHash('command-x'))).toBe(false)
  })
})
