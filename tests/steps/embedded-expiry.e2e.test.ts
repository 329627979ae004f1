import { describe } from 'vitest'
import { startEmbeddedShop } from './embedded-shop.ts'
import { describeExpiryOfSteps } from './expiry.ts'
import { useShop } from './use-shop.ts'

const clockSkewMs = 2_000

describe('embedded', () => {
  describeExpiryOfSteps(
    useShop(() => startEmbeddedShop({ HOLDFAST_CLOCK_SKEW_MS: String(clockSkewMs) })),
    clockSkewMs,
  )
})
