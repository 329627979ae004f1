import { afterAll, beforeAll } from 'vitest'
import type { Shop } from './shop.ts'

/** A shop for the tests of the present suite. */
export function useShop(start: () => Promise<Shop>): () => Shop {
  let shop: Shop | undefined
  beforeAll(async () => {
    shop = await start()
  })
  afterAll(() => shop?.[Symbol.asyncDispose]())
  return () => {
    if (shop === undefined) throw new Error('the shop is there from beforeAll on')
    return shop
  }
}
