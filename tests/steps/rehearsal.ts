import { hash } from 'node:crypto'
import {
  CommandGateway,
  CommandHandler,
  defineApp,
  systemClock,
  systemIds,
  type Answer,
  type CommandRequest,
  type JsonObject,
} from '@holdfast/core'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import type { LedgerEntry } from '../../examples/orders/providers/ledger.ts'
import { declinedAbove, type Label, type Payment } from '../../examples/orders/providers/providers.ts'
import { addStock } from '../../examples/orders/src/inventory.ts'
import { createOrderCommands } from '../../examples/orders/src/order.ts'
import { declinedQuantity } from './crash-matrix.ts'
import type { Attempt, Evidence, Order } from './evidence.ts'
import { readHistories } from './shop.ts'

/** Orders of a rehearsal, by how they end. `twin` has the key of `confirmed`, and is another tenant's. */
export const rehearsed = {
  confirmed: { tenant: 'alpha', key: 'one', product: 'p', quantity: 2 },
  twin: { tenant: 'beta', key: 'one', product: 'p', quantity: 3 },
  declined: { tenant: 'alpha', key: 'two', product: 'p', quantity: declinedQuantity },
  refused: { tenant: 'alpha', key: 'three', product: 'p', quantity: 999 },
  failed: { tenant: 'alpha', key: 'four', product: 'p', quantity: 7 },
} as const satisfies Record<string, Order>

/** The evidence of a run in which nothing goes wrong but a label that cannot be had: in this process, in memory. */
export async function rehearse(): Promise<Evidence> {
  const payments: LedgerEntry<Payment>[] = []
  const labels: LedgerEntry<Label>[] = []
  const commands = createOrderCommands({
    async pay(request, run) {
      const declined = request.kind === 'charge' && request.amount > declinedAbove
      const effect: Payment = { ...request, id: `pay-${payments.length}`, status: declined ? 'declined' : 'succeeded' }
      payments.push({ key: run.key, effect })
      return effect
    },
    async label({ order_id }, run) {
      if (labels.length === 2) throw new Error('no label can be had')
      const effect: Label = { id: `label-${labels.length}`, tracking: `TRK-${labels.length}`, order_id }
      labels.push({ key: run.key, effect })
      return effect
    },
  }).map((command) => ({ ...command, retry: { ...command.retry, attempts: 1 } }))
  const app = defineApp({ name: 'rehearsal', commands: [...commands, addStock] })
  const deps = { app, store: createMemoryEventStore(), clock: systemClock, ids: systemIds, clockSkewMs: 0 }
  const handler = new CommandHandler({ ...deps, graceMs: 0, observer: {} })
  const gateway = new CommandGateway({
    ...deps,
    transport: handler,
    maxInFlight: 100,
    durableTimeoutMs: 1_000,
    readFirst: false,
  })
  const submit = (name: string, { tenant, key }: Pick<Order, 'tenant' | 'key'>, input: JsonObject): Promise<Answer> => {
    const command = app.command(name)
    return gateway.submit({
      command,
      tenant,
      key,
      input,
      waitMs: 30_000,
      requestId: systemIds.uuid(),
    } as CommandRequest)
  }
  await submit('stock.add', { tenant: 'alpha', key: 'stock' }, { product_id: 'p', quantity: 1_000 })
  const attempts: Attempt[] = []
  for (const order of Object.values(rehearsed)) {
    for (const misused of [false, false, true]) {
      const quantity = order.quantity + (misused ? 1 : 0)
      const answer = await submit('order.place', order, { product_id: order.product, quantity })
      const place = attempts.length * 2
      attempts.push({
        order,
        misused,
        sentAt: place,
        endedAt: place + 1,
        seen: { kind: 'answer', response: told(answer) },
      })
    }
  }
  return { ...(await readHistories(deps.store)), gateways: 1, attempts, payments, labels }
}

function told(answer: Answer): Extract<Attempt['seen'], { kind: 'answer' }>['response'] {
  if (answer.kind !== 'response') return { status: answer.kind === 'pending' ? 202 : 422, headers: {}, body: '' }
  const { response, replayed, expiresAtMs } = answer
  const headers = {
    ...response.headers,
    'idempotency-expires': new Date(expiresAtMs).toISOString(),
    'x-request-id': hash('sha1', String(Math.random()), 'hex'),
    ...(replayed && { 'idempotent-replayed': 'true' }),
  }
  return { status: response.status, headers, body: response.body }
}
