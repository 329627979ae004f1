import type { RecordedEvent } from '@holdfast/core'
import type { HttpResponse } from '@holdfast/testing/http'
import type { LedgerEntry } from '../../examples/orders/providers/ledger.ts'
import type { Label, Payment } from '../../examples/orders/providers/providers.ts'

/** An order as its client keeps it for its retries. The key is the tenant's own. */
export interface Order {
  readonly tenant: string
  readonly key: string
  readonly product: string
  readonly quantity: number
}

export type Answered = Pick<HttpResponse, 'status' | 'headers' | 'body'>

/** One attempt at an order, as its client saw it. */
export interface Attempt {
  readonly order: Order
  /** Another quantity than the order's: the key was, by mistake, used for another request. */
  readonly misused: boolean
  /** Places in the order in which things happened, over all clients. */
  readonly sentAt: number
  readonly endedAt: number
  readonly seen:
    { readonly kind: 'answer'; readonly response: Answered } | { readonly kind: 'broken'; readonly code: string }
}

/** What the event store holds. */
export interface Histories {
  /** Streams of keys, by command id. */
  readonly commands: ReadonlyMap<string, readonly RecordedEvent[]>
  /** Streams of the inventory, by product. */
  readonly inventory: ReadonlyMap<string, readonly RecordedEvent[]>
}

/** Everything that can be known of a run from outside. */
export interface Evidence extends Histories {
  /** How many there are. */
  readonly gateways: number
  readonly attempts: readonly Attempt[]
  readonly payments: readonly LedgerEntry<Payment>[]
  readonly labels: readonly LedgerEntry<Label>[]
}

/** A promise of the design's section 1 that was not kept. */
export interface Breach {
  readonly promise: 1 | 2 | 3 | 4 | 5 | 6 | 7
  /** `<tenant>/<key>`, or what else it concerns. */
  readonly of: string
  readonly what: string
}

export const nameOf = ({ tenant, key }: Pick<Order, 'tenant' | 'key'>): string => `${tenant}/${key}`

/** True for an answer that carries an outcome: a success, a refusal, a definite failure. */
export const isRecorded = ({ headers }: Pick<HttpResponse, 'headers'>): boolean =>
  headers['idempotency-expires'] !== undefined
