import { created, defineAggregate, defineCommand, reject } from '@holdfast/core'
import { z } from 'zod'

type StockCommand =
  | { readonly type: 'add'; readonly quantity: number }
  | { readonly type: 'reserve'; readonly quantity: number }
  | { readonly type: 'release'; readonly quantity: number }

type StockEvent =
  | { readonly type: 'StockAdded'; readonly data: { readonly quantity: number } }
  | { readonly type: 'StockReserved'; readonly data: { readonly quantity: number } }
  | { readonly type: 'StockReleased'; readonly data: { readonly quantity: number } }

interface Stock {
  readonly [member: string]: number
  readonly available: number
}

/** What is in stock of one product, on the stream `inventory-<product id>`. */
export const inventory = defineAggregate<Stock, StockCommand, StockEvent, { readonly available: number }>({
  name: 'inventory',
  initial: { available: 0 },
  evolve: ({ available }, { type, data }) => ({
    available: type === 'StockReserved' ? available - data.quantity : available + data.quantity,
  }),
  decide({ type, quantity }, { available }) {
    if (type === 'add') return { type: 'StockAdded', data: { quantity } }
    if (type === 'release') return { type: 'StockReleased', data: { quantity } }
    return quantity <= available ? { type: 'StockReserved', data: { quantity } } : reject({ available })
  },
})

const tenYearsMs = 10 * 365 * 86_400_000

/** Puts stock on the shelf. Its keys are kept for ten years: the stock that the example starts with is added once. */
export const addStock = defineCommand({
  name: 'stock.add',
  summary: 'Add stock of a product.',
  route: { method: 'POST', path: '/api/stock' },
  input: z.strictObject({ product_id: z.string().regex(/^[\x21-\x7e]{1,100}$/), quantity: z.int().positive() }),
  output: z.object({ product_id: z.string(), added: z.int() }),
  retentionMs: tenYearsMs,
  async handle({ product_id, quantity }, ctx) {
    await ctx.execute(inventory, product_id, { command: { type: 'add', quantity } })
    return { type: 'StockDelivered', data: { product_id, quantity } } as const
  },
  respond: ({ data }) => created({ product_id: data.product_id, added: data.quantity }),
})
