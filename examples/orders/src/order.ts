import { created, defineCommand, ok, type RefusalEntry } from '@holdfast/core'
import { z } from 'zod'

/** What one order may take at most. */
export const maxQuantity = 1_000

const line = { product_id: z.string().min(1).max(100), quantity: z.int().positive() }
const orderId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'takes 1 to 64 of A-Z a-z 0-9 _ -')
const orderBody = z.object({ order_id: z.string(), ...line, status: z.literal('confirmed') })

const quantityTooLarge: RefusalEntry = {
  status: 409,
  title: 'Quantity is too large',
  meaning: `One order takes at most ${maxQuantity} of a product.`,
  action: 'Place smaller orders, each under its own key.',
}
const refusals = { 'quantity-too-large': quantityTooLarge }

/** Places an order under an id that the gateway makes. */
export const placeOrder = defineCommand({
  name: 'order.place',
  summary: 'Place an order.',
  route: { method: 'POST', path: '/api/order' },
  input: z.strictObject(line),
  output: orderBody,
  refusals,
  handle(input, ctx) {
    if (input.quantity > maxQuantity) {
      return ctx.refuse('quantity-too-large', `${input.quantity} were ordered, and ${maxQuantity} is the most.`, {
        limit: maxQuantity,
      })
    }
    return {
      type: 'OrderPlaced',
      data: { order_id: ctx.id, product_id: input.product_id, quantity: input.quantity },
    } as const
  },
  respond: ({ data }) => created({ ...data, status: 'confirmed' }),
})

/** Places an order under the caller's own id: the URI names it, so it needs no key. */
export const putOrder = defineCommand({
  name: 'order.put',
  summary: "Place an order under the caller's own id.",
  route: { method: 'PUT', path: '/api/orders/{order_id}' },
  identity: 'uri',
  input: z.strictObject({ order_id: orderId, ...line }),
  output: orderBody,
  successStatus: 201,
  refusals,
  handle(input, ctx) {
    if (input.quantity > maxQuantity) {
      return ctx.refuse('quantity-too-large', `${input.quantity} were ordered, and ${maxQuantity} is the most.`, {
        limit: maxQuantity,
      })
    }
    return {
      type: 'OrderPlaced',
      data: { order_id: input.order_id, product_id: input.product_id, quantity: input.quantity },
    } as const
  },
  respond: ({ data }) => created({ ...data, status: 'confirmed' }),
})

/** Cancels an order by its URI. */
export const cancelOrder = defineCommand({
  name: 'order.cancel',
  summary: 'Cancel an order.',
  route: { method: 'DELETE', path: '/api/orders/{order_id}' },
  identity: 'uri',
  input: z.strictObject({ order_id: orderId }),
  output: z.object({ order_id: z.string(), status: z.literal('cancelled') }),
  handle: ({ order_id }) => ({ type: 'OrderCancelled', data: { order_id } }) as const,
  respond: ({ data }) => ok({ ...data, status: 'cancelled' }),
})
