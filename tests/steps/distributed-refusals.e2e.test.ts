import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { deadLetters } from '../support/distributed-topics.ts'
import { anOrderOf } from './crash-matrix.ts'
import { startDistributedShop, type DistributedShop } from './distributed-shop.ts'
import { describeRefusals } from './refusals.ts'
import { stockUp } from './shop.ts'
import { useShop } from './use-shop.ts'

describeWithKafka('distributed', (kafka) => {
  let shop: DistributedShop | undefined
  const current = useShop(async () => (shop = await startDistributedShop(kafka())))
  describeRefusals(current, { crowd: 64 })

  test('an order that is given up goes to the dead letters: its envelope, and why', async () => {
    const { client, providers } = current()
    const order = anOrderOf(await stockUp(current(), 10), 1)
    await providers.shipping.behave({ mode: 'fail-before' })
    expect((await client.persist(order, { prefer: 'wait=60' })).status).toBe(500)
    await providers.shipping.behave({ mode: 'ok' })
    const letter = await until(
      async () => {
        const letters = shop === undefined ? [] : await deadLetters(kafka().brokers, shop.cluster)
        return letters.find(({ envelope }) => envelope.key === order.key)
      },
      { what: 'the dead letter', timeoutMs: 60_000 },
    )
    expect(letter).toMatchObject({
      reason: 'command-failed',
      envelope: { command: 'order.place', tenant: 'alpha', input: { product_id: order.product, quantity: 1 } },
    })
  })
})
