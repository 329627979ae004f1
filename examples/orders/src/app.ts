import { defineApp } from '@holdfast/core'
import { charge } from './charge.ts'
import { cancelOrder, placeOrder, putOrder } from './order.ts'

/** The example application: `POST /api/order`, `PUT` and `DELETE /api/orders/{order_id}`, `POST /charge`. */
export const app = defineApp({ name: 'orders', commands: [placeOrder, putOrder, cancelOrder, charge] })
