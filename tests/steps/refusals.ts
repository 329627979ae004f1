import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { commandIdOfOrder } from './checker.ts'
import { anOrderOf } from './crash-matrix.ts'
import { recover, stockUp, type Shop } from './shop.ts'
import { expectPromisesKept, untilConcluded } from './verdict.ts'

export interface RefusalsOptions {
  /** So many order the same product at once, for a quarter as many pieces. Default 200. */
  readonly crowd?: number
}

export function describeRefusals(shop: () => Shop, { crowd = 200 }: RefusalsOptions = {}): void {
  const pieces = crowd / 4

  const typesOf = async (order: ReturnType<typeof anOrderOf>): Promise<readonly string[]> => {
    const { commands } = await shop().histories()
    return (commands.get(commandIdOfOrder(order)) ?? []).map(({ type }) => type)
  }

  describe('refusals and failures after some steps', () => {
    test('out of stock: 409, replayed, and no provider is called', async () => {
      const product = await stockUp(shop(), 1)
      const order = anOrderOf(product, 2)
      const first = await shop().client.persist(order)
      expect(first.status, first.body).toBe(409)
      expect((await shop().client.persist(order)).body).toBe(first.body)
      expect(await typesOf(order)).not.toContain('CompensationStarted')
      await expectPromisesKept(shop())
    })

    test(`${crowd} orders at once for the last ${pieces} pieces: so many are confirmed, the others refused, nothing is oversold`, async () => {
      const product = await stockUp(shop(), pieces)
      const orders = Array.from({ length: crowd }, () => anOrderOf(product, 1))
      const answers = await Promise.all(orders.map((order) => shop().client.persist(order)))
      const counts = Map.groupBy(answers, ({ status }) => status)
      expect({ confirmed: counts.get(201)?.length, refused: counts.get(409)?.length }).toEqual({
        confirmed: pieces,
        refused: crowd - pieces,
      })
      await expectPromisesKept(shop())
    })

    test.each(['after-call charge', 'after-append StepCompleted:charge-card'] as const)(
      `killed %s in the middle of ${crowd / 2} orders for the last ${pieces / 2} pieces: nothing is oversold, and nobody is charged for nothing`,
      async (point) => {
        const product = await stockUp(shop(), pieces / 2)
        const orders = Array.from({ length: crowd / 2 }, () => anOrderOf(product, 1))
        await shop().crasher.arm(point)
        const answering = Promise.all(orders.map((order) => shop().client.persist(order)))
        await recover(shop())
        const answers = await answering
        expect(answers.filter(({ status }) => status === 201)).toHaveLength(pieces / 2)
        expect(answers.filter(({ status }) => status === 409)).toHaveLength((crowd - pieces) / 2)
        await expectPromisesKept(shop())
      },
    )

    test('the label cannot be had: 500, the charge refunded once and the stock put back once, also when killed in between', async () => {
      const { client, crasher, providers } = shop()
      const product = await stockUp(shop(), 100)
      for (const point of [
        undefined,
        'before-call refund',
        'after-call refund',
        'before-append StepUndone:charge-card',
        'after-append StockReleased',
        'after-append CommandFailed',
      ] as const) {
        const order = anOrderOf(product, 3)
        await providers.shipping.behave({ mode: 'fail-before' })
        if (point !== undefined) await crasher.arm(point)
        const answering = client.persist(order, { prefer: 'wait=60' })
        if (point !== undefined) await recover(shop())
        const answer = await answering
        expect(answer.status, `${point}: ${answer.body}`).toBe(500)
        await providers.shipping.behave({ mode: 'ok' })
        await untilConcluded(shop(), [order])
        const types = await typesOf(order)
        expect(types.filter((type) => type === 'StepUndone')).toHaveLength(2)
        expect(types.at(-1)).toBe('CommandFailed')
      }
      await expectPromisesKept(shop())
    })
  })

  describe('a provider that does not behave', () => {
    test.each([
      { mode: 'fail-before', times: 2 },
      { mode: 'fail-after', times: 2 },
      { mode: 'down', times: 2 },
      { mode: 'slow', times: 1, delayMs: 300 },
    ] as const)('$mode, $times times: the order is confirmed, with one effect each', async (behaviour) => {
      const product = await stockUp(shop(), 100)
      const { payments, shipping } = shop().providers
      for (const provider of [payments, shipping]) {
        await provider.behave(behaviour)
        const answer = await shop().client.persist(anOrderOf(product, 1), { prefer: 'wait=60' })
        expect(answer.status, answer.body).toBe(201)
      }
      await expectPromisesKept(shop())
    })

    test.each(['payments', 'shipping'] as const)(
      '%s has the effect and hangs; killed meanwhile: the step runs again under the same key, with one effect',
      async (name) => {
        const product = await stockUp(shop(), 100)
        const { client, providers, nodes } = shop()
        const provider = providers[name]
        const before = (await provider.ledger()).length
        await provider.behave({ mode: 'hang', times: 1 })
        const order = anOrderOf(product, 1)
        const first = client.attempt(order, { prefer: 'wait=60' })
        await until(async () => (await provider.ledger()).length > before, { what: 'the effect' })
        for (const node of nodes) node.process.kill('SIGKILL')
        await Promise.all(nodes.map((node) => node.start()))
        await first
        await untilConcluded(shop(), [order])
        expect((await client.persist(order)).status).toBe(201)
        await expectPromisesKept(shop())
      },
    )
  })
}
