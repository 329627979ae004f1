import { defineProjection } from '@holdfast/core'
import { z } from 'zod'
import type { OrderCancelled, OrderPlaced } from './order.ts'

const order = z.object({
  order_id: z.string(),
  product_id: z.string(),
  quantity: z.int(),
  status: z.enum(['confirmed', 'cancelled']),
  tracking: z.string(),
})

/** Each order as it stands, by its id. */
export const orders = defineProjection<z.output<typeof order> | null, OrderPlaced | OrderCancelled>({
  name: 'orders',
  summary: 'Orders, by id.',
  document: order,
  initial: null,
  key: ({ data }) => data.order_id,
  on: {
    OrderPlaced: (_, { data: { order_id, product_id, quantity, tracking } }) => ({
      ...{ order_id, product_id, quantity, tracking },
      status: 'confirmed',
    }),
    // Whoever cancels what was never ordered leaves no document.
    OrderCancelled: (placed) => (placed === null ? undefined : { ...placed, status: 'cancelled' }),
  },
})

const sales = z.object({ product_id: z.string(), orders: z.int(), quantity: z.int() })

/** How much of each product was ordered; what is cancelled later counts. */
export const salesPerProduct = defineProjection<z.output<typeof sales>, OrderPlaced>({
  name: 'sales-per-product',
  summary: 'Orders and quantities, by product.',
  document: sales,
  initial: { product_id: '', orders: 0, quantity: 0 },
  key: ({ data }) => data.product_id,
  on: {
    OrderPlaced: (before, { data }) => ({
      product_id: data.product_id,
      orders: before.orders + 1,
      quantity: before.quantity + data.quantity,
    }),
  },
})
