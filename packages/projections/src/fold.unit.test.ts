import type { DocumentId, RecordedEvent } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { createMemoryDocuments } from './documents.ts'
import { Fold, FoldError } from './fold.ts'
import { orders } from './test-support/shop.ts'

const placed = (order: string, position: number): RecordedEvent => ({
  ...{
    id: `e${position}`,
    type: 'Placed',
    data: { order, product: 'p', quantity: position },
    metadata: { tenant: 't' },
  },
  ...{ stream: `shop-${position}`, revision: 0n, position: BigInt(position), recordedAtMs: position },
})

/** Orders 0 to 9, twice each; of the documents two are remembered. */
async function foldTwice(fromNothing: boolean) {
  const documents = createMemoryDocuments()
  const asked: string[] = []
  const load = (ids: readonly DocumentId[]) => {
    asked.push(...ids.map(({ id }) => id))
    return documents.load(ids)
  }
  const fold = new Fold(orders, { load, position: 0n, fromNothing, maxRemembered: 2 })
  for (let n = 0; n < 20; n++) {
    await fold.apply([{ ...placed(`o${n % 10}`, n + 1), type: n < 10 ? 'Placed' : 'Cancelled' }], BigInt(n + 1))
    await documents.save(fold.take())
    fold.trim()
  }
  const found = []
  for await (const one of documents.all()) found.push([one.id, JSON.parse(one.json)])
  return { asked, found }
}

describe('a fold', () => {
  test('from nothing looks only for documents that it has forgotten, and comes to the same', async () => {
    const [known, looking] = [await foldTwice(true), await foldTwice(false)]
    const ids = Array.from({ length: 10 }, (_, at) => `o${at}`)
    expect(known.asked).toEqual(ids)
    expect(looking.asked).toEqual([...ids, ...ids])
    expect(known.found).toEqual(looking.found)
    expect(known.found).toEqual(ids.map((id, at) => [id, { product: 'p', quantity: at + 1, status: 'cancelled' }]))
  })

  test('names the event of a document that JSON does not carry, also when others came behind it', async () => {
    const circular = { ...orders, on: { Placed: () => ({ own: 1n }) as never } }
    const fold = new Fold(circular, { load: async () => [undefined], position: 0n })
    await fold.apply([placed('o1', 1)], 1n)
    await fold.apply([{ ...placed('o2', 2), type: 'Other' }], 2n)
    expect(() => fold.take()).toThrow(FoldError)
    expect(() => fold.take()).toThrow('Placed at position 1 could not be folded')
  })
})
