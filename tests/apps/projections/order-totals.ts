import { defineProjection } from '@holdfast/core'

/** As the orders of the contract's application write it. */
interface OrderPlaced {
  readonly type: 'OrderPlaced'
  readonly data: { readonly order_id: string; readonly product_id: string; readonly quantity: number }
}

/** What was ordered of each product. An order that is folded twice, or not at all, shows in `orders`. */
export const orderTotals = defineProjection<{ orders: number; quantity: number }, OrderPlaced>({
  name: 'order-totals',
  initial: { orders: 0, quantity: 0 },
  key: ({ data }) => data.product_id,
  on: {
    OrderPlaced: ({ orders, quantity }, { data }) => ({ orders: orders + 1, quantity: quantity + data.quantity }),
  },
})

/** The same, and more: its documents cannot be made from those of the first version. */
export const orderTotals2 = defineProjection<{ orders: number; quantity: number; largest: number }, OrderPlaced>({
  name: 'order-totals',
  version: 2,
  initial: { orders: 0, quantity: 0, largest: 0 },
  key: ({ data }) => data.product_id,
  on: {
    OrderPlaced: ({ orders, quantity, largest }, { data }) => ({
      orders: orders + 1,
      quantity: quantity + data.quantity,
      largest: Math.max(largest, data.quantity),
    }),
  },
})

/** One document for each order. */
export const orderLines = defineProjection<{ product_id: string; quantity: number }, OrderPlaced>({
  name: 'order-lines',
  initial: { product_id: '', quantity: 0 },
  key: ({ data }) => data.order_id,
  on: { OrderPlaced: (_, { data: { product_id, quantity } }) => ({ product_id, quantity }) },
})
