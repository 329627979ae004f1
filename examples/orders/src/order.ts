import {
  created,
  defineCommand,
  ok,
  type CommandContext,
  type DomainEvent,
  type Refusal,
  type RefusalEntry,
} from '@holdfast/core'
import { z } from 'zod'
import { inventory } from './inventory.ts'
import type { OrderProviders } from './provider-clients.ts'

/** What one order may take at most. */
export const maxQuantity = 1_000
/** Price of one piece, in cents. */
const unitPrice = 1_999

const line = { product_id: z.string().regex(/^[\x21-\x7e]{1,100}$/), quantity: z.int().positive() }
const orderId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'takes 1 to 64 of A-Z a-z 0-9 _ -')
const orderBody = z.object({ order_id: z.string(), ...line, status: z.literal('confirmed') })

const refusals = {
  'quantity-too-large': {
    status: 409,
    title: 'Quantity is too large',
    meaning: `One order takes at most ${maxQuantity} of a product.`,
    action: 'Place smaller orders, each under its own key.',
  },
  'out-of-stock': {
    status: 409,
    title: 'Out of stock',
    meaning: 'There is less of the product in stock than was ordered.',
    action: 'Order less, or later, under a new key.',
  },
  'card-declined': {
    status: 402,
    title: 'Card was declined',
    meaning: 'The payment provider declined the charge. The stock has been put back.',
    action: 'Order under a new key when the card can be charged.',
  },
} as const satisfies Record<string, RefusalEntry>

type OrderContext = CommandContext<keyof typeof refusals>

interface Order {
  readonly order_id: string
  readonly product_id: string
  readonly quantity: number
}

export type OrderPlaced = DomainEvent<
  'OrderPlaced',
  {
    readonly order_id: string
    readonly product_id: string
    readonly quantity: number
    readonly charge_id: string
    readonly tracking: string
  }
>

export type OrderCancelled = DomainEvent<'OrderCancelled', { readonly order_id: string }>

/** The order's commands, on these providers. */
export function createOrderCommands(providers: OrderProviders) {
  /** Deducts the stock, charges the card, creates the label: each once, whatever crashes in between. */
  async function fulfil(order: Order, ctx: OrderContext): Promise<OrderPlaced | Refusal> {
    const { order_id, product_id, quantity } = order
    if (quantity > maxQuantity) {
      return ctx.refuse('quantity-too-large', `${quantity} were ordered, and ${maxQuantity} is the most.`, {
        limit: maxQuantity,
      })
    }
    const stock = await ctx.execute(inventory, product_id, {
      step: 'reserve-stock',
      command: { type: 'reserve', quantity },
      undo: () => ({ type: 'release', quantity }),
    })
    if (stock.kind === 'rejected') {
      return ctx.refuse('out-of-stock', `${quantity} were ordered, and ${stock.reason.available} are left.`)
    }
    const bill = { amount: quantity * unitPrice, currency: 'EUR', customer: ctx.tenant }
    const charge = await ctx.step(
      'charge-card',
      async (run) => {
        const { id, status } = await providers.pay({ kind: 'charge', ...bill }, run)
        return { id, status }
      },
      {
        async undo({ status }, run) {
          if (status === 'succeeded') await providers.pay({ kind: 'refund', ...bill }, run)
        },
      },
    )
    if (charge.status === 'declined')
      return ctx.refuse('card-declined', `A charge of ${bill.amount} cents was declined.`)
    const tracking = await ctx.step('create-label', async (run) => (await providers.label({ order_id }, run)).tracking)
    return { type: 'OrderPlaced', data: { order_id, product_id, quantity, charge_id: charge.id, tracking } }
  }

  const confirmed = ({ order_id, product_id, quantity }: Order) =>
    created({ order_id, product_id, quantity, status: 'confirmed' })

  const placeOrder = defineCommand({
    name: 'order.place',
    summary: 'Place an order.',
    route: { method: 'POST', path: '/api/order' },
    input: z.strictObject(line),
    output: orderBody,
    refusals,
    handle: (input, ctx) => fulfil({ order_id: ctx.id, ...input }, ctx),
    respond: (event: OrderPlaced) => confirmed(event.data),
  })

  const putOrder = defineCommand({
    name: 'order.put',
    summary: "Place an order under the caller's own id.",
    route: { method: 'PUT', path: '/api/orders/{order_id}' },
    identity: 'uri',
    input: z.strictObject({ order_id: orderId, ...line }),
    output: orderBody,
    successStatus: 201,
    refusals,
    handle: (input, ctx) => fulfil(input, ctx),
    respond: (event: OrderPlaced) => confirmed(event.data),
  })

  const cancelOrder = defineCommand({
    name: 'order.cancel',
    summary: 'Cancel an order.',
    route: { method: 'DELETE', path: '/api/orders/{order_id}' },
    identity: 'uri',
    input: z.strictObject({ order_id: orderId }),
    output: z.object({ order_id: z.string(), status: z.literal('cancelled') }),
    handle: ({ order_id }): OrderCancelled => ({ type: 'OrderCancelled', data: { order_id } }),
    respond: ({ data }) => ok({ ...data, status: 'cancelled' }),
  })

  return [placeOrder, putOrder, cancelOrder] as const
}
