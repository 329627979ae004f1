import { defineProjection, type EventOf } from '@holdfast/core'
import type { cancelOrder, placeOrder, putOrder } from '../commands/orders.ts'

type Placed = EventOf<typeof placeOrder> | EventOf<typeof putOrder>
type Cancelled = EventOf<typeof cancelOrder>

interface Order {
  readonly [member: string]: string | number
  readonly product_id: string
  readonly quantity: number
  readonly status: string
}

export const orders = defineProjection<Order | null, Placed | Cancelled>({
  name: 'orders',
  initial: null,
  key: ({ data }) => data.order_id,
  on: {
    OrderPlaced: (_, { data }) => ({ product_id: data.product_id, quantity: data.quantity, status: 'placed' }),
    OrderCancelled: (order) => (order === null ? undefined : { ...order, status: 'cancelled' }),
  },
})

/** How often each product was ordered; one of them cannot be folded. */
export const counts = (bad?: string) =>
  defineProjection<number, Placed>({
    name: 'counts',
    initial: 0,
    key: ({ data }) => data.product_id,
    on: {
      OrderPlaced: (count, { data }) => {
        if (data.product_id === bad) throw new Error('this product cannot be counted')
        return count + 1
      },
    },
  })

/** Everything that was ordered, by whomever: every tenant sees it. */
export const total = (version: number, factor = 1) =>
  defineProjection<number, Placed>({
    name: 'total',
    version,
    scope: 'shared',
    initial: 0,
    on: { OrderPlaced: (sum, { data }) => sum + data.quantity * factor },
  })
