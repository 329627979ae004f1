import { randomUUID } from 'node:crypto'
import { openLedger, type Ledger } from './ledger.ts'

/** A charge, or its refund, in minor units of the currency. */
export interface Payment {
  readonly id: string
  readonly kind: 'charge' | 'refund'
  readonly status: 'succeeded' | 'declined'
  readonly amount: number
  readonly currency: string
  readonly customer: string
}

export interface Label {
  readonly id: string
  readonly tracking: string
  readonly order_id: string
}

export type PaymentRequest = Pick<Payment, 'kind' | 'amount' | 'currency' | 'customer'>
export type LabelRequest = Pick<Label, 'order_id'>

/** A provider that honours idempotency keys: one effect for each, however often it is asked. */
export interface Provider<Request, Effect> {
  handle(request: Request, idempotencyKey: string): Promise<Effect>
  readonly ledger: Ledger<Effect>
}

/** A charge above this is declined, so that the example has a card that can be declined. */
export const declinedAbove = 1_500_000

/** The payment provider, with its ledger in a file. */
export function createPayments(ledgerFile: string): Provider<PaymentRequest, Payment> {
  const ledger = openLedger<Payment>(ledgerFile)
  return {
    ledger,
    handle: (request, key) =>
      ledger.once(key, () => ({
        id: `${request.kind === 'charge' ? 'ch' : 're'}_${randomUUID()}`,
        status: request.kind === 'charge' && request.amount > declinedAbove ? 'declined' : 'succeeded',
        ...request,
      })),
  }
}

/** The shipping provider, with its ledger in a file. */
export function createShipping(ledgerFile: string): Provider<LabelRequest, Label> {
  const ledger = openLedger<Label>(ledgerFile)
  return {
    ledger,
    handle: ({ order_id }, key) =>
      ledger.once(key, () => ({
        id: `lbl_${randomUUID()}`,
        tracking: `TRK${randomUUID().replaceAll('-', '').slice(0, 12).toUpperCase()}`,
        order_id,
      })),
  }
}
