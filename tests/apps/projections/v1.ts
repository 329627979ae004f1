import { defineApp } from '@holdfast/core'
import { placeOrder } from '../commands/orders.ts'
import { orderLines, orderTotals } from './order-totals.ts'

/** Orders, and what is made of them. */
export const app = defineApp({ name: 'projected', commands: [placeOrder], projections: [orderTotals, orderLines] })
