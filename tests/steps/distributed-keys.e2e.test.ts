import { describeWithKafka } from '@holdfast/testing/kafka'
import { describeAtMostOnce } from './at-most-once.ts'
import { startDistributedShop } from './distributed-shop.ts'
import { describeExpiryOfSteps } from './expiry.ts'
import { describeRelease } from './release.ts'
import { useShop } from './use-shop.ts'

const clockSkewMs = 2_000

describeWithKafka('distributed', (kafka) => {
  const shop = useShop(() =>
    startDistributedShop(kafka(), { settings: { HOLDFAST_CLOCK_SKEW_MS: String(clockSkewMs) } }),
  )
  describeRelease(shop)
  describeExpiryOfSteps(shop, clockSkewMs)
  describeAtMostOnce(shop)
})
