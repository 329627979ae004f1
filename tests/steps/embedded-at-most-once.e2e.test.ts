import { describe } from 'vitest'
import { describeAtMostOnce } from './at-most-once.ts'
import { startEmbeddedShop } from './embedded-shop.ts'
import { useShop } from './use-shop.ts'

describe('embedded', () => {
  describeAtMostOnce(useShop(startEmbeddedShop))
})
