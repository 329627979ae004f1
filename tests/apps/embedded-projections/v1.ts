import { defineApp } from '@holdfast/core'
import { cancelOrder, placeOrder, putOrder } from '../commands/orders.ts'
import { counts, orders, total } from './projections.ts'

export const app = defineApp({
  name: 'projected',
  commands: [placeOrder, putOrder, cancelOrder],
  projections: [orders, counts('uncountable'), total(1)],
})
