import { describe, test } from 'vitest'
import { startEmbeddedShop } from './embedded-shop.ts'
import { commonFaults } from './fault-plan.ts'
import { runRandomly } from './random-run.ts'
import { ordersOfARun, randomRunTimeoutMs } from './seed.ts'

const orders = ordersOfARun(800)

describe('embedded', () => {
  test(
    'random orders, agents and faults: promises 1 to 6 are kept',
    { timeout: randomRunTimeoutMs(orders) },
    async () => {
      await using shop = await startEmbeddedShop()
      await runRandomly(shop, {
        orders,
        atATime: 24,
        everyAttempts: 90,
        faults: commonFaults(shop),
      })
    },
  )
})
