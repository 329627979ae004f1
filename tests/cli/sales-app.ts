import { created, defineApp, defineCommand, defineProjection, type EventOf } from '@holdfast/core'
import { z } from 'zod'

const makeSale = defineCommand({
  name: 'sale.make',
  route: { method: 'POST', path: '/sales' },
  input: z.strictObject({ product: z.string(), quantity: z.int().positive() }),
  retry: { attempts: 1 },
  handle: ({ product, quantity }) => {
    if (product === 'broken') throw new Error('it cannot be sold')
    return { type: 'Sold', data: { product, quantity } } as const
  },
  respond: ({ data }) => created(data),
})

/** How much of each product was sold. */
const sales = defineProjection<{ readonly [name: string]: number; readonly sold: number }, EventOf<typeof makeSale>>({
  name: 'sales',
  initial: { sold: 0 },
  key: ({ data }) => data.product,
  on: { Sold: (state, { data }) => ({ sold: state.sold + data.quantity }) },
})

/** A shop with a projection, for the tests of the command line. */
export const app = defineApp({ name: 'shop', commands: [makeSale], projections: [sales] })
