import { created, defineApp, defineCommand } from '@holdfast/core'
import { z } from 'zod'

/** One pure command with the schema of the bare route: what is measured is Holdfast, not an application. */
export const app = defineApp({
  name: 'bench',
  commands: [
    defineCommand({
      name: 'order.place',
      route: { method: 'POST', path: '/api/order' },
      input: z.strictObject({ product_id: z.string().min(1).max(100), quantity: z.int().positive() }),
      handle: (input, ctx) => ({ type: 'OrderPlaced', data: { order_id: ctx.id, ...input } }) as const,
      respond: ({ data }) => created({ ...data, status: 'confirmed' }),
    }),
  ],
})
