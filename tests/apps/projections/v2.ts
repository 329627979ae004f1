import { defineApp } from '@holdfast/core'
import { placeOrder } from '../commands/orders.ts'
import { orderLines, orderTotals2 } from './order-totals.ts'

/** The next release, with a new version of one projection. */
export const app = defineApp({ name: 'projected', commands: [placeOrder], projections: [orderTotals2, orderLines] })
