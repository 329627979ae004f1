import { describe, test } from 'vitest'
import { startEmbeddedShop } from './embedded-shop.ts'
import { commonFaults } from './fault-plan.ts'
import { runRandomly } from './random-run.ts'
import { ordersOfARun } from './seed.ts'

describe('embedded', () => {
  test('random orders, agents and faults: promises 1 to 6 are kept', { timeout: 3_600_000 }, async () => {
    await using shop = await startEmbeddedShop()
    await runRandomly(shop, {
      orders: ordersOfARun(800),
      atATime: 24,
      everyAttempts: 90,
      faults: commonFaults(shop),
    })
  })
})
