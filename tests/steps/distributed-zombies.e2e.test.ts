import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { publishedResults } from '../support/distributed-topics.ts'
import { commandIdOfOrder } from './checker.ts'
import { anOrderOf, declinedQuantity } from './crash-matrix.ts'
import { startDistributedShop, type DistributedShop } from './distributed-shop.ts'
import { stockUp } from './shop.ts'
import { useShop } from './use-shop.ts'
import { expectPromisesKept, untilConcluded } from './verdict.ts'

const timeoutMs = 60_000

describeWithKafka(
  'a handler that is paused in the middle of an order, and wakes when another has finished it',
  (kafka) => {
    let shop: DistributedShop | undefined
    const current = useShop(async () => (shop = await startDistributedShop(kafka())))

    test.each([
      { point: 'after-append StepStarted:reserve-stock', quantity: 2, status: 201 },
      { point: 'before-append StockReserved', quantity: 2, status: 201 },
      { point: 'after-append StockReserved', quantity: 2, status: 201 },
      { point: 'before-call charge', quantity: 2, status: 201 },
      { point: 'after-call label', quantity: 2, status: 201 },
      { point: 'before-append OrderPlaced', quantity: 2, status: 201 },
      { point: 'before-append StockReleased', quantity: declinedQuantity, status: 402 },
      { point: 'after-append StepUndone:charge-card', quantity: declinedQuantity, status: 402 },
    ] as const)('paused $point: no second effect, and its append is refused', async ({ point, quantity, status }) => {
      const { client, crasher } = current()
      const { cluster, standIn } = shop ?? raise()
      const product = await stockUp(current(), 1_000)
      const order = anOrderOf(product, quantity)
      const commandId = commandIdOfOrder(order)
      await crasher.arm(point, 'SIGSTOP')
      const first = client.attempt(order, { prefer: 'wait=60' })
      const pid = await crasher.struck()
      const zombie = cluster.handlers.find((handler) => handler.process.pid === pid) ?? raise()
      // Its session ends, and the other handler finishes the order.
      await untilConcluded(current(), [order])
      expect((await first)?.status).toBe(status)
      const before = await current().histories()
      const { batchAppends } = await standIn.status()

      zombie.resume()
      await until(async () => (await standIn.status()).batchAppends > batchAppends, { what: 'it appends', timeoutMs })
      const answer = await client.persist(order)
      expect(answer.status).toBe(status)
      // It is a handler again when it has taken commands: then nothing of its past is under way any more.
      await until(async () => (await zombieIsReady(zombie.url)) === true, { what: 'it is ready', timeoutMs })
      const after = await current().histories()
      expect(after.commands.get(commandId)).toEqual(before.commands.get(commandId))
      expect(after.inventory.get(product)).toEqual(before.inventory.get(product))
      await expectPromisesKept(current())
    })
  },
)

describeWithKafka('a handler that dies between the reply and the commit', (kafka) => {
  let shop: DistributedShop | undefined
  const current = useShop(async () => (shop = await startDistributedShop(kafka(), { handlers: 1, partitions: 1 })))

  test('what was answered comes again, is not done again, and is answered as before', async () => {
    const { client, providers } = current()
    const { cluster } = shop ?? raise()
    const product = await stockUp(current(), 1_000)
    const [handler = raise()] = cluster.handlers
    // The first in the partition hangs: what stands behind it is done, and cannot be committed.
    await providers.payments.behave({ mode: 'hang', times: 1 })
    const charged = (await providers.payments.ledger()).length
    const hanging = anOrderOf(product, 1)
    const first = client.attempt(hanging, { prefer: 'respond-async' })
    await until(async () => (await providers.payments.ledger()).length > charged, { what: 'it hangs', timeoutMs })
    expect((await first)?.status).toBe(202)
    const orders = [anOrderOf(product, 2), anOrderOf(product, declinedQuantity), anOrderOf(product, 3)]
    const answers = await Promise.all(orders.map((order) => client.persist(order, { prefer: 'wait=60' })))
    expect(answers.map(({ status }) => status)).toEqual([201, 402, 201])
    const before = await current().histories()
    await handler.kill()
    await handler.start()

    await until(
      async () => {
        const published = await publishedResults(kafka().brokers, cluster)
        return orders.every((order) => (published.get(`${commandIdOfOrder(order)}-1`) ?? 0) > 1)
      },
      { what: 'the results are published again, under the same id', timeoutMs },
    )
    await untilConcluded(current(), [hanging, ...orders])
    const after = await current().histories()
    for (const order of orders) {
      const commandId = commandIdOfOrder(order)
      expect(after.commands.get(commandId)).toEqual(before.commands.get(commandId))
      for (const gateway of cluster.urls.keys()) await client.persist(order, { gateway })
    }
    expect((await client.persist(hanging)).status).toBe(201)
    await expectPromisesKept(current())
  })
})

const zombieIsReady = async (url: string): Promise<boolean> => (await fetch(`${url}/readyz`)).ok

function raise(): never {
  throw new Error('it is there from beforeAll on')
}
