import { describe } from 'vitest'
import { boundariesOfAnOrder, boundariesOfARefusal, describeCrashMatrix } from './crash-matrix.ts'
import { startEmbeddedShop } from './embedded-shop.ts'
import { useShop } from './use-shop.ts'

describe('embedded', () => {
  const shop = useShop(startEmbeddedShop)
  describeCrashMatrix(shop, {
    mode: 'retried',
    ofAnOrder: boundariesOfAnOrder,
    ofARefusal: boundariesOfARefusal,
  })
  describeCrashMatrix(shop, {
    mode: 'left alone',
    ofAnOrder: boundariesOfAnOrder.filter(({ lost }) => lost !== true),
    ofARefusal: boundariesOfARefusal,
  })
})
