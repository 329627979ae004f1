import { describe, expect, test } from 'vitest'
import { freshKey } from '../support/api.ts'
import type { PointText } from './points.ts'
import { nameOf, type Order } from './evidence.ts'
import { recover, stockUp, type Shop } from './shop.ts'
import { apiKeys } from './tenants.ts'
import { expectPromisesKept, untilConcluded } from './verdict.ts'

/** A place in the course of a command, by what stands there. */
export interface Boundary {
  readonly name: string
  readonly point: PointText
  /** Nothing is on the key's stream there: without Kafka only a retry brings the command back. */
  readonly lost?: true
}

/** The course of an order whose every step succeeds: two boundaries around each effect, and around each write. */
export const boundariesOfAnOrder: readonly Boundary[] = [
  { name: 'before it is accepted', point: 'before-append StepStarted:reserve-stock', lost: true },
  { name: 'reserve-stock: accepted, before the effect', point: 'after-append StepStarted:reserve-stock' },
  { name: 'reserve-stock: before the write to the inventory', point: 'before-append StockReserved' },
  { name: 'reserve-stock: after the effect', point: 'after-append StockReserved' },
  { name: 'reserve-stock: before StepCompleted', point: 'before-append StepCompleted:reserve-stock' },
  { name: 'reserve-stock: after StepCompleted', point: 'after-append StepCompleted:reserve-stock' },
  { name: 'charge-card: before the effect', point: 'before-call charge' },
  { name: 'charge-card: after the effect', point: 'after-call charge' },
  { name: 'charge-card: before StepCompleted', point: 'before-append StepCompleted:charge-card' },
  { name: 'charge-card: after StepCompleted', point: 'after-append StepCompleted:charge-card' },
  { name: 'create-label: before the effect', point: 'before-call label' },
  { name: 'create-label: after the effect', point: 'after-call label' },
  { name: 'create-label: before StepCompleted and the outcome', point: 'before-append OrderPlaced' },
  { name: 'after the last event', point: 'after-append OrderPlaced' },
  { name: 'before the reply', point: 'before-reply 201' },
]

/** A card that is declined after the stock was reserved: the compensation. */
export const boundariesOfARefusal: readonly Boundary[] = [
  { name: 'before the charge is declined', point: 'before-call charge' },
  { name: 'after the charge was declined', point: 'after-call charge' },
  { name: 'before the compensation', point: 'before-append CompensationStarted' },
  { name: 'after CompensationStarted', point: 'after-append CompensationStarted' },
  { name: 'after the charge is undone', point: 'after-append StepUndone:charge-card' },
  { name: 'before the stock is put back', point: 'before-append StockReleased' },
  { name: 'after the stock was put back', point: 'after-append StockReleased' },
  { name: 'before the stock is recorded as put back', point: 'before-append StepUndone:reserve-stock' },
  { name: 'after the stock is recorded as put back', point: 'after-append StepUndone:reserve-stock' },
  { name: 'before the refusal', point: 'before-append CommandRejected' },
  { name: 'after the refusal', point: 'after-append CommandRejected' },
  { name: 'before the reply', point: 'before-reply 402' },
]

/** So many cost more than what the example's provider charges. */
export const declinedQuantity = 800
const stock = 1_000

export const anOrderOf = (product: string, quantity: number): Order => ({
  tenant: 'alpha',
  key: freshKey(),
  product,
  quantity,
})

interface Case {
  readonly boundary: Boundary
  readonly quantity: number
  readonly status: number
  /** Wait for the system to finish by itself before anybody asks again. */
  readonly retried: boolean
}

/** One crash, at exactly this boundary, and everything that must hold behind it. */
async function crashOnce(shop: Shop, { boundary, quantity, status, retried }: Case): Promise<void> {
  const { client } = shop
  const product = await stockUp(shop, stock)
  const order = anOrderOf(product, quantity)
  await shop.crasher.arm(boundary.point)
  const first = client.attempt(order, { prefer: 'wait=60' })
  await recover(shop)
  expect(shop.crasher.armed, 'it died where it should').toBe(false)
  if (!retried) await untilConcluded(shop, [order])
  const answers = await Promise.all(shop.api.urls.map((_url, gateway) => client.persist(order, { gateway })))
  const early = await first
  for (const answer of [...answers, ...(early === undefined ? [] : [early])])
    expect(answer.status, `${nameOf(order)}: ${answer.body}`).toBe(status)
  const lookup = await shop.api.get(`/idempotency-keys/${order.key}`, { apiKey: apiKeys.alpha })
  expect(JSON.parse(lookup.body)).toMatchObject({ generation: 1, response: { status, body: answers[0]?.body } })
  await expectPromisesKept(shop)
}

export interface Matrix {
  readonly mode: 'retried' | 'left alone'
  readonly ofAnOrder: readonly Boundary[]
  readonly ofARefusal: readonly Boundary[]
}

export function describeCrashMatrix(shop: () => Shop, { mode, ofAnOrder, ofARefusal }: Matrix): void {
  describe(`killed in the middle of an order that is then ${mode}`, () => {
    const retried = mode === 'retried'
    test.each(ofAnOrder)('$name: one effect per key, the stock is right, one response', (boundary) =>
      crashOnce(shop(), { boundary, quantity: 2, status: 201, retried }),
    )
    test.each(ofARefusal)('declined, $name: the stock is put back once', (boundary) =>
      crashOnce(shop(), { boundary, quantity: declinedQuantity, status: 402, retried }),
    )
  })
}
