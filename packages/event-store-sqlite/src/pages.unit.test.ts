import { describe, expect, test } from 'vitest'
import { createPages, type Page, type PageQuery } from './pages.ts'
import { preparing } from './query.ts'
import { migrations } from './schema.ts'
import { DatabaseSync } from './sqlite.ts'
import { blockColumn } from './type-blocks.ts'

interface Given {
  readonly type: string
  readonly stream: string
  /** Characters of the data. */
  readonly size: number
}

/** A store in memory with these events, from position 1 on. */
function pagesOf(given: readonly Given[]): { readonly page: (query: PageQuery) => Page } & Disposable {
  const database = new DatabaseSync(':memory:')
  for (const step of migrations) database.exec(step)
  const insert = database.prepare('INSERT INTO events VALUES (?, ?, 0, 5, ?, ?, ?, ?, ?)')
  database.exec('BEGIN')
  for (const [at, { type, stream, size }] of given.entries()) {
    const texts = [JSON.stringify({ text: 'x'.repeat(size) }), JSON.stringify({ at, text: 'y'.repeat(size / 2) })]
    insert.run(at + 1, at, stream, `e${at}`, type, ...texts)
  }
  database.exec('COMMIT')
  database.exec(`INSERT INTO type_blocks SELECT DISTINCT type, ${blockColumn} FROM events`)
  const page = createPages(preparing(database))
  return {
    page,
    [Symbol.dispose]: () => {
      database.close()
    },
  }
}

/** Every third `Rare`; every hundredth so large that it is read alone. */
const mixed = Array.from({ length: 1_000 }, (_, at) => ({
  type: at % 3 === 0 ? 'Rare' : 'Frequent',
  stream: at % 2 === 0 ? `even-${at}` : `odd-${at}`,
  size: at % 100 === 7 ? 40_000 : 10,
}))

const wantedOf = (given: readonly Given[], query: Partial<PageQuery>): string[] =>
  given.flatMap(({ type, stream }, at) =>
    (query.types?.has(type) ?? true) && stream.startsWith(query.prefix ?? '') ? [`e${at}`] : [],
  )

describe('pages, one after the other, have each event once and in order', () => {
  const cases: [string, Partial<PageQuery>][] = [
    ['of all types', {}],
    ['of frequent types', { types: new Set(['Frequent']) }],
    ['of several types', { types: new Set(['Frequent', 'Rare', 'None']) }],
    ['of some streams', { prefix: 'odd-' }],
    ['of some types and streams', { types: new Set(['Rare']), prefix: 'even-' }],
    ['of no type that there is', { types: new Set(['None']) }],
  ]
  test.each(cases)('%s', (_, some) => {
    using store = pagesOf(mixed)
    for (const limit of [1, 7, 50, 120, 500]) {
      const ids: string[] = []
      let position = 0
      while (position < mixed.length) {
        const page = store.page({ prefix: '', types: undefined, ...some, after: position, upTo: mixed.length, limit })
        expect(page.position).toBeGreaterThan(position)
        expect(page.events.length).toBeLessThanOrEqual(limit)
        ids.push(...page.events.map(({ id }) => id))
        position = page.position
      }
      expect(ids).toEqual(wantedOf(mixed, some))
    }
  })

  test('of a type between many others: the blocks without it are passed over, and some without it end a page', () => {
    const given = Array.from({ length: 3_000 }, (_, at) => ({
      ...{ type: at % 500 === 0 ? 'Rare' : 'Frequent', stream: 's', size: at % 1_000 === 0 ? 40_000 : 10 },
    }))
    using store = pagesOf(given)
    const pageOf = (after: number, limit: number): readonly [number, readonly string[]] => {
      const { position, events } = store.page({ prefix: '', types: new Set(['Rare']), after, upTo: 3_000, limit })
      return [position, events.map(({ id }) => id)]
    }
    expect(pageOf(0, 500)).toEqual([3_000, ['e0', 'e500', 'e1000', 'e1500', 'e2000', 'e2500']])
    expect(pageOf(0, 20)).toEqual([1_024, ['e0', 'e500', 'e1000']])
    expect(pageOf(1_024, 1)).toEqual([1_501, ['e1500']])
    expect(pageOf(1_501, 1)).toEqual([1_536, []])
    expect(pageOf(2_501, 500)).toEqual([3_000, []])
  })
})

describe('a page', () => {
  test('has the texts of large events whole', () => {
    using store = pagesOf(mixed)
    const { events } = store.page({ prefix: '', types: undefined, after: 0, upTo: 200, limit: 200 })
    expect(events.map(({ data }) => (data['text'] as string).length)).toEqual(
      mixed.slice(0, 200).map(({ size }) => size),
    )
    expect(events.map(({ metadata }) => metadata['at'])).toEqual(Array.from({ length: 200 }, (_, at) => at))
    expect(events[0]).toMatchObject({ revision: 0n, position: 1n, recordedAtMs: 5, stream: 'even-0', type: 'Rare' })
  })

  test('ends once it holds two million characters, whatever its limit is', () => {
    const large = Array.from({ length: 100 }, () => ({ type: 'Large', stream: 's', size: 100_000 }))
    using store = pagesOf(large)
    for (const types of [undefined, new Set(['Large'])]) {
      const page = store.page({ prefix: '', types, after: 0, upTo: 100, limit: 500 })
      expect(page.events.length).toBe(14)
      expect(page.position).toBe(14)
    }
  })
})
