import { appendFileSync, existsSync, statSync } from 'node:fs'
import { z } from 'zod'
import { failingQuantity, maxQuantity } from '../../src/systems/system.ts'

/** More of a product than one order takes: refused with a 409, without any work. */
export const isTooLarge = ({ quantity }: Order): boolean => quantity > maxQuantity

export const refusal = { title: 'Quantity is too large', status: 409 } as const

/** Behind the work of an order of this quantity something fails, for good: a 500. */
export function failBehind({ quantity }: Order): void {
  if (quantity === failingQuantity) throw new Error('something failed behind the work')
}

/** Whose key it is: what the request is authenticated with. Measured without, which is a tenant of its own. */
export const tenantOf = (headers: { readonly authorization?: string | undefined }): string =>
  headers.authorization ?? 'default'

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
