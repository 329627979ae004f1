import { randomUUID } from 'node:crypto'
import { created, defineApp, defineCommand } from '@holdfast/core'
import { z } from 'zod'
import { createChargeCommand } from '../../examples/orders/src/charge.ts'
import { addStock } from '../../examples/orders/src/inventory.ts'
import { createOrderCommands } from '../../examples/orders/src/order.ts'
import { providersFrom } from '../../examples/orders/src/provider-clients.ts'

const providers = providersFrom(process.env)

/** Two requests a client may make of it before it expires, also on a slow machine. */
export const shortRetentionMs = 1_500

/** Charges at a provider that does not deduplicate: each call has a key of its own there. */
const chargeUnsafely = defineCommand({
  name: 'test.charge-unsafely',
  route: { method: 'POST', path: '/test/unsafe-charges' },
  input: z.strictObject({ customer: z.string() }),
  async handle({ customer }, ctx) {
    const charge = await ctx.step(
      'charge-card',
      async (run) => {
        const request = { kind: 'charge', amount: 100, currency: 'EUR', customer } as const
        return { id: (await providers.pay(request, { ...run, key: randomUUID() })).id }
      },
      { atMostOnce: true },
    )
    return { type: 'ChargedUnsafely', data: { customer, charge_id: charge.id } } as const
  },
  respond: ({ data }) => created(data),
})

/** One step, and a key that expires soon. */
const chargeForAWhile = defineCommand({
  name: 'test.charge-for-a-while',
  route: { method: 'POST', path: '/test/short-charges' },
  retentionMs: shortRetentionMs,
  input: z.strictObject({ customer: z.string() }),
  async handle({ customer }, ctx) {
    const charge = await ctx.step('charge-card', async (run) => {
      const request = { kind: 'charge', amount: 100, currency: 'EUR', customer } as const
      return { id: (await providers.pay(request, run)).id }
    })
    return { type: 'ChargedForAWhile', data: { customer, charge_id: charge.id } } as const
  },
  respond: ({ data }) => created(data),
})

/** One step, a key that expires at once, and a history that is removed soon. */
const chargeWithoutTrace = defineCommand({
  name: 'test.charge-without-trace',
  route: { method: 'POST', path: '/test/traceless-charges' },
  retentionMs: 200,
  historyRetentionMs: 200,
  input: z.strictObject({ customer: z.string() }),
  async handle({ customer }, ctx) {
    const charge = await ctx.step('charge-card', async (run) => {
      const request = { kind: 'charge', amount: 100, currency: 'EUR', customer } as const
      return { id: (await providers.pay(request, run)).id }
    })
    return { type: 'ChargedWithoutTrace', data: { customer, charge_id: charge.id } } as const
  },
  respond: ({ data }) => created(data),
})

/** The order service, and commands that only these tests need. Nothing is in stock at first. */
export const app = defineApp({
  name: 'steps',
  commands: [
    ...createOrderCommands(providers),
    createChargeCommand(providers),
    addStock,
    chargeUnsafely,
    chargeForAWhile,
    chargeWithoutTrace,
  ],
})
