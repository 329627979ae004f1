import { defineApp } from '@holdfast/core'
import { cancelOrder, placeOrder, putOrder } from '../commands/orders.ts'
import { counts, orders, total } from './projections.ts'

/** Better code for one, a new version of another. */
export const app = defineApp({
  name: 'projected',
  commands: [placeOrder, putOrder, cancelOrder],
  projections: [orders, counts(), total(2, 1_000)],
})
