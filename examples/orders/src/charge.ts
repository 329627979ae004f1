import { created, defineCommand } from '@holdfast/core'
import { z } from 'zod'

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
