import { describeWithKafka, type KafkaBroker } from '@holdfast/testing/kafka'
import type { Fault } from '@holdfast/testing/eventstore-stand-in'
import { test } from 'vitest'
import { startDistributedShop, type DistributedShop } from './distributed-shop.ts'
import { commonFaults, type FaultKind } from './fault-plan.ts'
import { runRandomly } from './random-run.ts'
import { ordersOfARun, randomRunTimeoutMs } from './seed.ts'

/** It may be dead just now. */
const inject = (shop: DistributedShop, fault: Fault, times: number): Promise<void> =>
  shop.standIn.inject({ rpc: 'append', times, fault }).catch(() => undefined)

const ownFaults = (shop: DistributedShop, broker: KafkaBroker): readonly FaultKind[] => [
  {
    name: 'the broker is killed',
    async strike() {
      await broker.kill()
      await broker.restart()
    },
  },
  { name: 'the event store is killed', strike: () => shop.standIn.kill() },
  {
    name: 'the event store dies in the middle of a write',
    strike: (random) => inject(shop, { kind: 'die', act: random() < 0.5 }, 1),
  },
  {
    name: 'the event store does not answer',
    strike: (random) => inject(shop, { kind: 'no-answer', act: random() < 0.5 }, 3),
  },
]

const orders = ordersOfARun(220)

describeWithKafka(
  'distributed',
  (kafka) => {
    test(
      'random orders, agents and faults: promises 1 to 6 are kept',
      { timeout: randomRunTimeoutMs(orders) },
      async () => {
        await using shop = await startDistributedShop(kafka())
        await runRandomly(shop, {
          orders,
          atATime: 24,
          everyAttempts: 70,
          faults: [...commonFaults(shop), ...ownFaults(shop, kafka())],
          mortals: [{ died: () => shop.standIn.died(), start: () => shop.standIn.restart() }],
          calm: () => shop.standIn.clearFaults(),
        })
      },
    )
  },
  { killsBroker: true },
)
