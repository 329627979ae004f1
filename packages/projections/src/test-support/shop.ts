import { randomUUID } from 'node:crypto'
import {
  defineProjection,
  type DomainEvent,
  type EventStore,
  type JsonObject,
  type Projection,
  type ReadStore,
} from '@holdfast/core'
import { rebuild } from '../rebuild.ts'
import type { RebuildOptions } from '../rebuild.ts'

/** What the tests fold: orders by id, and sales per product. */

type Placed = DomainEvent<'Placed', { readonly order: string; readonly product: string; readonly quantity: number }>
type Cancelled = DomainEvent<'Cancelled', { readonly order: string }>
type Archived = DomainEvent<'Archived', { readonly order: string }>
export type ShopEvent = Placed | Cancelled | Archived

interface Order {
  readonly [member: string]: string | number
  readonly product: string
  readonly quantity: number
  readonly status: string
}

export const orders = defineProjection<Order | null, ShopEvent>({
  name: 'orders',
  initial: null,
  key: ({ data }) => data.order,
  on: {
    Placed: (_, { data }) => ({ product: data.product, quantity: data.quantity, status: 'placed' }),
    Cancelled: (order) => order && { ...order, status: 'cancelled' },
    Archived: () => undefined,
  },
})

interface Sales {
  readonly [member: string]: number | readonly string[]
  readonly sold: number
  readonly orders: readonly string[]
}

export const sales = defineProjection<Sales, Placed>({
  name: 'sales',
  initial: { sold: 0, orders: [] },
  key: ({ data }) => data.product,
  on: {
    Placed: ({ sold, orders: before }, { data }) => ({
      sold: sold + data.quantity,
      orders: [...before, data.order].slice(-3),
    }),
  },
})

/** One document that all tenants share. */
export const total = defineProjection<number, Placed>({
  name: 'total',
  scope: 'shared',
  initial: 0,
  on: { Placed: (sum, { data }) => sum + data.quantity },
})

export const all: readonly Projection[] = [orders, sales, total]

/** Appends an event on a stream of its own, for a tenant (null: none). Gives its position. */
export async function append(
  store: EventStore,
  event: { readonly type: string; readonly data: JsonObject },
  tenant: string | null = 't',
): Promise<bigint> {
  const metadata = tenant === null ? {} : { tenant }
  const result = await store.append(`shop-${randomUUID()}`, [{ id: randomUUID(), ...event, metadata }], 'no_stream')
  if (result.kind !== 'appended') throw new Error('a conflict on a fresh stream')
  return result.position
}

/** `n` determines it: few orders and products, so that documents are changed, removed and made again. */
export function shopEvent(n: number): ShopEvent {
  const order = `o${n % 13}`
  if (n % 7 === 3) return { type: 'Cancelled', data: { order } }
  if (n % 11 === 5) return { type: 'Archived', data: { order } }
  return { type: 'Placed', data: { order, product: `p${n % 5}`, quantity: (n % 9) + 1 } }
}

export async function appendMany(store: EventStore, from: number, to: number): Promise<bigint[]> {
  const positions: bigint[] = []
  for (let n = from; n < to; n++) positions.push(await append(store, shopEvent(n), n % 4 === 0 ? 'u' : 't'))
  return positions
}

/** Documents by tenant and id: `{ 't/o1': {…} }`. */
export type Documents = Record<string, unknown>

/** What a fold from the events alone gives. */
export async function folded(
  projection: Projection,
  options: RebuildOptions,
): Promise<{ readonly position: bigint; readonly documents: Documents }> {
  const rebuilt = await rebuild(projection, options)
  const documents: Documents = {}
  for await (const { tenant, id, json } of rebuilt.documents()) documents[`${tenant}/${id}`] = JSON.parse(json)
  return { position: rebuilt.position, documents }
}

/** What a read store holds of a projection, live. */
export async function stored(
  store: ReadStore,
  name: string,
): Promise<{ readonly position: bigint; readonly version: number; readonly documents: Documents }> {
  for (;;) {
    const documents: Documents = {}
    const positions = new Set<bigint>()
    let version = 0
    for (const tenant of ['', 't', 'u']) {
      const page = await store.list({ name }, { tenant, limit: 10_000 })
      if (page === undefined) throw new Error(`no build of ${name}`)
      positions.add(page.position)
      version = page.version
      for (const { id, json } of page.documents) documents[`${tenant}/${id}`] = JSON.parse(json)
    }
    // Three reads of one moment.
    const [position] = positions
    if (positions.size === 1 && position !== undefined) return { position, version, documents }
  }
}
