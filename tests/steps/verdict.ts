import { until } from '@holdfast/testing/processes'
import { expect } from 'vitest'
import { findBreaches, commandIdOfOrder } from './checker.ts'
import { nameOf, type Evidence, type Histories, type Order } from './evidence.ts'
import type { Shop } from './shop.ts'

const timeoutMs = 90_000

/** Waits until the commands of these orders have an outcome, while nobody asks for them. */
export async function untilConcluded(shop: Shop, orders: readonly Order[]): Promise<void> {
  await until(async () => withoutOutcome(await shop.histories(), orders).length === 0, {
    what: 'an outcome of every order',
    timeoutMs,
    everyMs: 100,
  }).catch(async (error: unknown) => {
    expect(withoutOutcome(await shop.histories(), orders), 'accepted, and without an outcome').toEqual([])
    throw error
  })
}

const withoutOutcome = ({ commands }: Histories, orders: readonly Order[]): readonly string[] =>
  orders
    .filter((order) => {
      const events = commands.get(commandIdOfOrder(order)) ?? []
      return events.every(({ metadata }) => metadata['outcome'] === undefined)
    })
    .map(nameOf)

async function collectEvidence(shop: Shop): Promise<Evidence> {
  const [payments, labels] = await Promise.all([shop.providers.payments.ledger(), shop.providers.shipping.ledger()])
  return {
    ...(await shop.histories()),
    gateways: shop.api.urls.length,
    attempts: shop.client.attempts,
    payments,
    labels,
  }
}

/** Asserts that nothing which can be known contradicts a promise. `hint` says how to see a failure again. */
export async function expectPromisesKept(shop: Shop, hint = ''): Promise<Evidence> {
  const evidence = await collectEvidence(shop)
  expect(findBreaches(evidence), hint).toEqual([])
  return evidence
}
