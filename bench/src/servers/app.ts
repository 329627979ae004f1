import { created, defineApp, defineCommand, type Command, type CommandContext, type RefusalEntry } from '@holdfast/core'
import { failingQuantity, maxQuantity, orderSchema, type Order } from '../systems/system.ts'

/** Of a try: short, so that a lease may be. */
const timeoutMs = 10_000

/** What a step does: nothing that takes time, so that the cost of the step itself is measured. */
const reserve = (product: string): { readonly reserved: string } => ({ reserved: product })
const charge = (quantity: number): { readonly amount: number } => ({ amount: quantity * 1_999 })
const label = (id: string): { readonly tracking: string } => ({ tracking: `T-${id.slice(0, 12)}` })

const refusals = {
  'quantity-too-large': {
    status: 409,
    title: 'Quantity is too large',
    meaning: `One order takes at most ${maxQuantity} of a product.`,
    action: 'Place smaller orders, each under its own key.',
  },
} as const satisfies Record<string, RefusalEntry>

/** An order whose handler does this before it is placed. */
function orderCommand(
  name: string,
  path: string,
  work?: (order: Order, ctx: CommandContext) => Promise<void>,
): Command {
  return defineCommand({
    name,
    route: { method: 'POST', path },
    input: orderSchema,
    refusals,
    retry: { timeoutMs },
    handle(order, ctx) {
      if (order.quantity > maxQuantity)
        return ctx.refuse('quantity-too-large', `${order.quantity} were ordered, and ${maxQuantity} is the most.`)
      const place = () => {
        if (order.quantity === failingQuantity) throw new Error('something failed behind the work')
        return { type: 'OrderPlaced', data: { order_id: ctx.id, ...order } } as const
      }
      // The pure command decides without a promise, as an application's would.
      return work === undefined ? place() : work(order, ctx).then(place)
    },
    respond: ({ data }) => created({ ...data, status: 'confirmed' }),
  })
}

/** Fails at each of its tries, some seconds in all: a poisoned key. */
const poisoned = defineCommand({
  name: 'order.place-poisoned',
  route: { method: 'POST', path: '/api/order-poisoned' },
  input: orderSchema,
  retry: { attempts: 40, initialDelayMs: 20, maxDelayMs: 100, timeoutMs },
  async handle(_order, ctx) {
    await ctx.step('reserve-stock', () => Promise.reject(new Error('it never works')), { retry: { attempts: 1 } })
    return { type: 'OrderPlaced', data: {} } as const
  },
  respond: ({ data }) => created(data),
})

/** The bare route's schema as a pure command, with one durable step, and with three; and one that always fails. */
export const app = defineApp({
  name: 'bench',
  commands: [
    orderCommand('order.place', '/api/order'),
    orderCommand('order.place-one-step', '/api/order-one', async ({ product_id }, ctx) => {
      await ctx.step('reserve-stock', () => reserve(product_id))
    }),
    orderCommand('order.place-three-steps', '/api/order-three', async ({ product_id, quantity }, ctx) => {
      await ctx.step('reserve-stock', () => reserve(product_id))
      await ctx.step('charge-card', () => charge(quantity))
      await ctx.step('create-label', () => label(ctx.id))
    }),
    poisoned,
  ],
})
