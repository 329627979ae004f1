import { describe } from 'vitest'
import { startEmbeddedShop } from './embedded-shop.ts'
import { describeRefusals } from './refusals.ts'
import { useShop } from './use-shop.ts'

describe('embedded', () => {
  describeRefusals(useShop(startEmbeddedShop))
})
