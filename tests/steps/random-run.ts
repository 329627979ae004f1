import { until } from '@holdfast/testing/processes'
import { expect } from 'vitest'
import { report, since } from '../support/distributed-report.ts'
import { inventOrders, startAgents } from './agents.ts'
import { nameOf, type Attempt, type Order } from './evidence.ts'
import { injectFaults, type FaultKind } from './fault-plan.ts'
import { asMortal, keepAlive, type Mortal } from './keeper.ts'
import { owedCrashes, strikeOwed } from './planned-crashes.ts'
import { chances, seed } from './seed.ts'
import { stockUp, type Shop } from './shop.ts'
import { expectPromisesKept, untilConcluded } from './verdict.ts'

export interface RandomRunOptions {
  readonly orders: number
  /** Orders at one time. */
  readonly atATime: number
  /** A fault after about so many attempts. */
  readonly everyAttempts: number
  readonly faults: readonly [FaultKind, ...FaultKind[]]
  /** What is to be started again when it dies, beside the shop's nodes and providers. */
  readonly mortals?: readonly Mortal[]
  /** What else is brought back before the verdict. */
  readonly calm?: () => Promise<void>
}

/**
 * Orders by agents that retry, while one thing after another goes wrong; then all is quiet, nobody retries, and the system
 * has to finish; then the crash points that struck nobody are armed again, and must strike; then each order is asked for at
 * every gateway, and the checker sees everything.
 */
export async function runRandomly(shop: Shop, options: RandomRunOptions): Promise<void> {
  const again = `HOLDFAST_SEED=${seed} HOLDFAST_RANDOM_ORDERS=${options.orders} replays this`
  const startedAt = performance.now()
  try {
    await run(shop, options)
  } catch (error) {
    throw new Error(`${again}: ${String(error)}`, { cause: error })
  } finally {
    report('random run', { again, took: since(startedAt) })
  }
}

async function run(
  shop: Shop,
  { orders: count, atATime, everyAttempts, faults, mortals = [], calm }: RandomRunOptions,
): Promise<void> {
  const { client, providers, crasher, nodes, api } = shop
  const products = { plenty: await stockUp(shop, 1_000_000), scarce: await stockUp(shop, Math.ceil(count / 4)) }
  const orders = inventOrders(count, products)
  {
    await using keeper = keepAlive([
      ...[...nodes, providers.payments.node, providers.shipping.node].map(asMortal),
      ...mortals,
    ])
    const agents = startAgents({ shop, orders, atATime })
    const injected = await injectFaults(agents, faults, everyAttempts)
    await agents.ended
    await crasher.disarm()
    await calm?.()
    report('faults', { ...Object.fromEntries(injected), restarts: keeper.restarts, attempts: client.attempts.length })
  }
  for (const provider of [providers.payments, providers.shipping]) await provider.behave({ mode: 'ok' })
  await untilConcluded(shop, acknowledgedOf(client.attempts))
  const all = [...orders, ...(await letAllPointsStrike(shop, products.plenty))]
  for (let at = 0; at < all.length; at += atATime) {
    const some = all.slice(at, at + atATime)
    for (const gateway of api.urls.keys())
      await Promise.all(some.map((order) => client.persist(order, { prefer: 'wait=30', gateway })))
  }
  const evidence = await expectPromisesKept(shop, `HOLDFAST_SEED=${seed}`)
  const statuses = Map.groupBy(evidence.attempts, ({ seen }) =>
    seen.kind === 'answer' ? seen.response.status : 'broken',
  )
  report('answers', Object.fromEntries([...statuses].map(([status, some]) => [String(status), some.length])))
  for (const status of [201, 402, 409, 422, 'broken'] as const)
    expect(statuses.get(status)?.length ?? 0, `answers of ${status}: the run has met them`).toBeGreaterThan(0)
}

/** Asserts that no crash point has gone blind. Returns the orders that were placed for it. */
async function letAllPointsStrike(shop: Shop, product: string): Promise<readonly Order[]> {
  const { crasher, nodes } = shop
  const random = chances(3)
  const { length: planned } = crasher.planned
  const owed = owedCrashes(random, crasher.planned)
  const startedAt = performance.now()
  await using keeper = keepAlive(nodes.map(asMortal))
  const orders = await strikeOwed(shop, owed, product)
  const struck = crasher.planned.slice(planned).filter((crash) => crash.struck).length
  await until(() => keeper.restarts >= struck, { what: 'whoever was struck is back', timeoutMs: 120_000 })
  report('crash points', {
    planned,
    'struck meanwhile': crasher.planned.slice(0, planned).filter((crash) => crash.struck).length,
    owed: owed.length,
    'struck then': struck,
    took: since(startedAt),
  })
  const blind = owedCrashes(random, crasher.planned).map(({ point }) => point)
  expect(blind, 'crash points that strike nobody, though a command came there').toEqual([])
  return orders
}

function acknowledgedOf(attempts: readonly Attempt[]): readonly Order[] {
  const acknowledged = attempts.filter(({ seen }) => seen.kind === 'answer' && seen.response.status !== 503)
  return [...new Map(acknowledged.map(({ order }) => [nameOf(order), order])).values()]
}
