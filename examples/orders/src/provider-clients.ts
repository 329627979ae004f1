import { join } from 'node:path'
import type { StepRun } from '@holdfast/core'
import { z } from 'zod'
import {
  createPayments,
  createShipping,
  type Label,
  type LabelRequest,
  type Payment,
  type PaymentRequest,
  type Provider,
} from '../providers/providers.ts'

/** What the orders need of the outside world. Each call carries the step's key, so that a repeated one has one effect. */
export interface OrderProviders {
  pay(request: PaymentRequest, run: StepRun): Promise<Payment>
  label(request: LabelRequest, run: StepRun): Promise<Label>
}

const paymentSchema = z.object({
  id: z.string(),
  kind: z.enum(['charge', 'refund']),
  status: z.enum(['succeeded', 'declined']),
  amount: z.int(),
  currency: z.string(),
  customer: z.string(),
})
const labelSchema = z.object({ id: z.string(), tracking: z.string(), order_id: z.string() })

/**
 * The providers that the environment names: `ORDERS_PAYMENTS_URL` and `ORDERS_SHIPPING_URL`. Where one is not set, the
 * built-in demo provider does it: the same code, in this process, with its ledger in the data folder.
 */
export function providersFrom(environment: Readonly<Record<string, string | undefined>>): OrderProviders {
  const folder = join(environment['HOLDFAST_DATA_DIR'] ?? './data', 'providers')
  const { ORDERS_PAYMENTS_URL: paymentsUrl, ORDERS_SHIPPING_URL: shippingUrl } = environment
  return {
    pay: paymentsUrl
      ? (request, run) => callProvider(paymentsUrl, request, { run, schema: paymentSchema })
      : builtIn(() => createPayments(join(folder, 'payments.sqlite'))),
    label: shippingUrl
      ? (request, run) => callProvider(shippingUrl, request, { run, schema: labelSchema })
      : builtIn(() => createShipping(join(folder, 'shipping.sqlite'))),
  }
}

/** Opened by the first call: a gateway loads this module too, and has no effects. */
function builtIn<Request, Effect>(
  create: () => Provider<Request, Effect>,
): (request: Request, run: StepRun) => Promise<Effect> {
  let provider: Provider<Request, Effect> | undefined
  return (request, run) => (provider ??= create()).handle(request, run.key)
}

async function callProvider<Effect>(
  url: string,
  request: object,
  { run, schema }: { readonly run: StepRun; readonly schema: z.ZodType<Effect> },
): Promise<Effect> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': run.key },
    body: JSON.stringify(request),
    signal: run.signal,
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return schema.parse(await response.json())
}

/** What is built in, for the log at start: empty when both providers are processes of their own. */
export function builtInProviders(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return [
    ...(environment['ORDERS_PAYMENTS_URL'] ? [] : ['payments']),
    ...(environment['ORDERS_SHIPPING_URL'] ? [] : ['shipping']),
  ]
}
