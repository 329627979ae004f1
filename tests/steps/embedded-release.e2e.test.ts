import { describe } from 'vitest'
import { startEmbeddedShop } from './embedded-shop.ts'
import { describeRelease } from './release.ts'
import { useShop } from './use-shop.ts'

describe('embedded', () => {
  describeRelease(useShop(startEmbeddedShop))
})
