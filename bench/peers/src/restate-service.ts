/** The orders as a Restate service: one durable step, and three. Runs with PORT and EFFECTS_PORT; prints `ready`. */
import { createServer } from 'node:http'
import * as restate from '@restatedev/restate-sdk'
import { effects, failBehind, isTooLarge, orderSchema, place, refusal, type Order } from './order.ts'

function parse(input: unknown): Order {
  const order = orderSchema.safeParse(input)
  // Terminal: another try would find the same body.
  if (!order.success) throw new restate.TerminalError(order.error.message, { errorCode: 400 })
  if (isTooLarge(order.data)) throw new restate.TerminalError(refusal.title, { errorCode: refusal.status })
  return order.data
}

/** What fails behind the work fails for good, as its author knows: without `TerminalError` it would be tried for ever. */
function finish<Placed>(order: Order, placed: Placed): Placed {
  try {
    failBehind(order)
  } catch (error) {
    throw new restate.TerminalError(String(error), { errorCode: 500 })
  }
  return placed
}

const orders = restate.service({
  name: 'orders',
  handlers: {
    one: async (ctx: restate.Context, input: unknown) => {
      const order = parse(input)
      return finish(order, await ctx.run('place-order', () => place(order)))
    },
    three: async (ctx: restate.Context, input: unknown) => {
      const order = parse(input)
      await ctx.run('reserve-stock', () => ({ reserved: order.product_id }))
      await ctx.run('charge-card', () => ({ amount: order.quantity * 1_999 }))
      return finish(order, await ctx.run('create-label', () => place(order)))
    },
  },
})

createServer((_, response) => response.end(effects())).listen(Number(process.env['EFFECTS_PORT']), '127.0.0.1')
await restate.serve({ services: [orders], port: Number(process.env['PORT']) })
console.log('ready')
