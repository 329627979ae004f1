import { randomUUID } from 'node:crypto'
import { commandIdOf, streamOf, type IdempotencyKey, type NewEvent, type Tenant } from '@holdfast/core'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import { EventOwners } from './event-owners.ts'
import { folded, orders, total } from './test-support/shop.ts'

const placed = (order: string) => ({ type: 'Placed', data: { order, product: 'p', quantity: 1 } })
const eventOf = (event: Pick<NewEvent, 'type' | 'data'>, metadata: NewEvent['metadata']): NewEvent => ({
  ...{ id: randomUUID(), ...event, metadata: { v: 1, generation: 1, ...metadata } },
})

/** A command with steps as it was recorded before events carried their tenant: only the first one says whose it is. */
async function olderHistory({ attempts = 0 } = {}) {
  const store = createMemoryEventStore()
  const stream = streamOf(commandIdOf('t' as Tenant, randomUUID() as IdempotencyKey))
  const envelope = { command: 'order.place', tenant: 't', key: 'k' }
  const failed = Array.from({ length: attempts }, () => eventOf({ type: 'AttemptFailed', data: {} }, {}))
  const accepted = eventOf({ type: 'CommandAccepted', data: {} }, { envelope })
  await store.append(stream, [accepted, ...failed, eventOf(placed('o1'), {}), eventOf(placed('o2'), {})], 'no_stream')
  // No command's: nobody can tell.
  await store.append('inventory-a', [eventOf(placed('o3'), {})], 'no_stream')
  return { store, stream }
}

describe('events from before events carried their tenant', () => {
  test.each([0, 63, 64, 200])(
    'are their command’s, with %i events between them and its first one',
    async (attempts) => {
      const { store } = await olderHistory({ attempts })
      const { documents } = await folded(orders, { events: store })
      expect(Object.keys(documents)).toEqual(['t/o1', 't/o2'])
      expect((await folded(orders, { events: store, tenant: 'u' })).documents).toEqual({})
      expect((await folded(total, { events: store })).documents).toEqual({ '/all': 3 })
    },
  )

  test('the stream is read once for all its events, and not at all for those that say it', async () => {
    const { store, stream } = await olderHistory()
    const events = await store.read(stream, { direction: 'forwards', maxCount: 10 })
    const own = { ...store }
    let reads = 0
    store.read = (...call) => {
      reads += 1
      return own.read(...call)
    }
    const owners = new EventOwners(store)
    const told = await owners.tell(events)
    expect(told.map(({ metadata }) => metadata['tenant'])).toEqual([undefined, 't', 't'])
    expect(reads).toBe(1)
    expect(await owners.tell(told)).toBe(told)
    expect(reads).toBe(1)
  })

  test('whose first event is gone are nobody’s', async () => {
    const { store, stream } = await olderHistory()
    const [, second] = await store.read(stream, { direction: 'forwards', maxCount: 10 })
    store.read = async () => []
    const told = await new EventOwners(store).tell(second === undefined ? [] : [second])
    expect(told).toEqual([second])
  })
})
