import { created, defineCommand, ok, type RefusalEntry } from '@holdfast/core'
import { z } from 'zod'

/** The orders and charges of the article as pure commands: one append each, which is what the contract's suites look at. */

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

/** Charges a customer. Amounts are in the currency's minor unit: 1999 is 19.99 in EUR. */
export const charge = defineCommand({
  name: 'charge.create',
  summary: 'Charge a customer.',
  route: { method: 'POST', path: '/charge' },
  input: z.strictObject({
    amount: z.int().positive(),
    currency: z.string().regex(/^[A-Z]{3}$/, 'takes an ISO 4217 code'),
    customer: z.string().min(1).max(100),
  }),
  output: z.object({
    charge_id: z.string(),
    amount: z.int(),
    currency: z.string(),
    customer: z.string(),
    status: z.literal('succeeded'),
  }),
  handle: ({ amount, currency, customer }, ctx) =>
    ({ type: 'CustomerCharged', data: { charge_id: ctx.id, amount, currency, customer } }) as const,
  respond: ({ data }) => created({ ...data, status: 'succeeded' }),
})
