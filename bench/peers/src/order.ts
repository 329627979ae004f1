import { appendFileSync, existsSync, statSync } from 'node:fs'
import { z } from 'zod'

/** The schema of the orders, as the bare route and Holdfast have it. */
export const orderSchema = z.strictObject({ product_id: z.string().min(1).max(100), quantity: z.int().positive() })

export type Order = z.infer<typeof orderSchema>

/** Set: effects are counted by the bytes of this file, so that the count outlives the process. */
const file = process.env['EFFECTS_FILE']
let placed = 0

/** The business itself, the same cheap one everywhere: an id, and a count of how often it was really done. */
export function place(order: Order): Order & { readonly order_id: string; readonly status: 'confirmed' } {
  placed++
  if (file !== undefined) appendFileSync(file, '.')
  return { order_id: crypto.randomUUID(), ...order, status: 'confirmed' }
}

/** How many orders were placed. */
export function effects(): string {
  if (file === undefined) return String(placed)
  return String(existsSync(file) ? statSync(file).size : 0)
}
