import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { commandIdOfOrder } from './checker.ts'
import { anOrderOf } from './crash-matrix.ts'
import { startEmbeddedShop, type EmbeddedShop } from './embedded-shop.ts'
import { describeRefusals } from './refusals.ts'
import { stockUp } from './shop.ts'
import { useShop } from './use-shop.ts'

/** The query that operators are told to use. */
const failedCommands = (): string => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  return /```sql\n([^`]+)```/.exec(page)?.[1] ?? ''
}

describe('embedded', () => {
  let shop: EmbeddedShop | undefined
  const current = useShop(async () => (shop = await startEmbeddedShop()))
  describeRefusals(current)

  test('an order that is given up is found by the query in the operations page', async () => {
    const { client, providers } = current()
    const order = anOrderOf(await stockUp(current(), 10), 1)
    await providers.shipping.behave({ mode: 'fail-before' })
    expect((await client.persist(order, { prefer: 'wait=60' })).status).toBe(500)
    await providers.shipping.behave({ mode: 'ok' })
    const database = new DatabaseSync(join(shop?.dataDir ?? '', 'events.sqlite'), { readOnly: true })
    const rows = database.prepare(failedCommands()).all()
    database.close()
    const row = rows.find(({ stream }) => stream === `command-${commandIdOfOrder(order)}`)
    expect(row).toMatchObject({ reason: expect.stringMatching(/^it failed \d+ times$/) as string, not_undone: null })
    expect(JSON.parse(String(row?.['envelope']))).toMatchObject({ key: order.key, command: 'order.place' })
  })
})
