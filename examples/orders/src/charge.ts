import { created, defineCommand } from '@holdfast/core'
import { z } from 'zod'
import type { OrderProviders } from './provider-clients.ts'

const refusals = {
  'charge-declined': {
    status: 402,
    title: 'Charge was declined',
    meaning: 'The payment provider declined the charge.',
    action: 'Charge again under a new key when the card can be charged.',
  },
} as const

/** `POST /charge`: one step. Amounts are in the currency's minor unit: 1999 is 19.99 in EUR. */
export function createChargeCommand(providers: OrderProviders) {
  return defineCommand({
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
    refusals,
    async handle(input, ctx) {
      const charge = await ctx.step('charge-card', async (run) => {
        const { id, status } = await providers.pay({ kind: 'charge', ...input }, run)
        return { id, status }
      })
      if (charge.status === 'declined') return ctx.refuse('charge-declined', 'The charge was declined.')
      return { type: 'CustomerCharged', data: { charge_id: charge.id, ...input } } as const
    },
    respond: ({ data }) => created({ ...data, status: 'succeeded' }),
  })
}
