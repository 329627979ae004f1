import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLedger, type Ledger } from './ledger.ts'
import { createPayments, createShipping, declinedAbove } from './providers.ts'

describe('a ledger', () => {
  let folder: string
  let open: { close(): void }[]
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-ledger-'))
    open = []
  })
  afterEach(() => {
    for (const ledger of open) ledger.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const opened = (): Ledger<number> => {
    const ledger = openLedger<number>(join(folder, 'new', 'ledger.sqlite'))
    open.push(ledger)
    return ledger
  }

  test('has one effect for each key, however often and in whatever company it is asked', async () => {
    const ledger = opened()
    let made = 0
    const ask = (key: string): Promise<number> => ledger.once(key, () => ++made)
    expect(await Promise.all([ask('a'), ask('b'), ask('a')])).toEqual([1, 2, 1])
    expect(await ask('a')).toBe(1)
    expect(made).toBe(2)
    expect(ledger.entries()).toEqual([
      { key: 'a', effect: 1 },
      { key: 'b', effect: 2 },
    ])
  })

  test('is shared with others who have opened the file', async () => {
    const [one, other] = [opened(), opened()]
    expect(await one.once('a', () => 1)).toBe(1)
    expect(await other.once('a', () => 2)).toBe(1)
    expect(other.entries()).toEqual(one.entries())
  })

  test('records nothing of a turn in which an effect could not be made, and goes on', async () => {
    const ledger = opened()
    const failing = ledger.once('a', () => {
      throw new Error('no effect')
    })
    const beside = ledger.once('b', () => 1)
    await expect(failing).rejects.toThrow('no effect')
    await expect(beside).rejects.toThrow('no effect')
    expect(ledger.entries()).toEqual([])
    expect(await ledger.once('a', () => 3)).toBe(3)
  })

  test('payments: what is too much is declined, a refund never; labels: one for each key', async () => {
    const payments = createPayments(join(folder, 'payments.sqlite'))
    const shipping = createShipping(join(folder, 'shipping.sqlite'))
    open.push(payments.ledger, shipping.ledger)
    const charge = { kind: 'charge', currency: 'EUR', customer: 'c' } as const
    expect(await payments.handle({ ...charge, amount: declinedAbove }, 'a')).toMatchObject({ status: 'succeeded' })
    const declined = await payments.handle({ ...charge, amount: declinedAbove + 1 }, 'b')
    expect(declined.status).toBe('declined')
    expect(await payments.handle({ ...charge, amount: 1 }, 'b'), 'the key decides').toEqual(declined)
    const refund = { ...charge, kind: 'refund', amount: declinedAbove + 1 } as const
    expect(await payments.handle(refund, 'c')).toMatchObject({ status: 'succeeded' })
    const label = await shipping.handle({ order_id: 'o' }, 'a')
    expect(await shipping.handle({ order_id: 'other' }, 'a')).toEqual(label)
  })
})
