import { expect } from 'vitest'
import { report, since } from '../support/distributed-report.ts'
import { inventOrders, startAgents } from './agents.ts'
import { nameOf, type Attempt, type Order } from './evidence.ts'
import { injectFaults, type FaultKind } from './fault-plan.ts'
import { asMortal, keepAlive, type Mortal } from './keeper.ts'
import { seed } from './seed.ts'
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
 * has to finish; then each order is asked for at every gateway, and the checker sees everything.
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
  for (let at = 0; at < orders.length; at += atATime) {
    const some = orders.slice(at, at + atATime)
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

function acknowledgedOf(attempts: readonly Attempt[]): readonly Order[] {
  const acknowledged = attempts.filter(({ seen }) => seen.kind === 'answer' && seen.response.status !== 503)
  return [...new Map(acknowledged.map(({ order }) => [nameOf(order), order])).values()]
}
