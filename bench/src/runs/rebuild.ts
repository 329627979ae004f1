import { DatabaseSync } from 'node:sqlite'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { defineProjection, systemClock, type DomainEvent, type EventStore, type Projection } from '@holdfast/core'
import { createSqliteEventStore } from '@holdfast/event-store-sqlite'
import { rebuild, startProjector } from '@holdfast/projections'
import { createSqliteReadStore } from '@holdfast/read-store-sqlite'

/**
 * One run over the events of a data folder, in a process of its own so that its memory can be told:
 * `rebuild.ts <mode> <data folder>`. Prints what it found as JSON.
 */

type OrderPlaced = DomainEvent<
  'OrderPlaced',
  { readonly order_id: string; readonly product_id: string; readonly quantity: number }
>

/** A document for each event. */
const orders = defineProjection<{ readonly product_id: string; readonly quantity: number } | null, OrderPlaced>({
  name: 'orders',
  initial: null,
  key: ({ data }) => data.order_id,
  on: { OrderPlaced: (_, { data: { product_id, quantity } }) => ({ product_id, quantity }) },
})

/** One document for all. */
const sales = defineProjection<{ readonly orders: number; readonly quantity: number }, OrderPlaced>({
  name: 'sales',
  initial: { orders: 0, quantity: 0 },
  key: ({ data }) => data.product_id,
  on: {
    OrderPlaced: ({ orders: count, quantity }, { data }) => ({ orders: count + 1, quantity: quantity + data.quantity }),
  },
})

interface Timed {
  readonly seconds: number
  readonly events: number
}

/** From the first event to the last: stores are open before it. */
async function timed(work: () => Promise<number> | number): Promise<Timed> {
  const started = performance.now()
  const events = await work()
  return { seconds: (performance.now() - started) / 1000, events }
}

/** What has to be done at least: every event, in order, its JSON parsed. */
async function bare(dataDir: string): Promise<Timed> {
  const database = new DatabaseSync(join(dataDir, 'events.sqlite'), { readOnly: true })
  const statement = database.prepare(
    'SELECT position, revision, recorded_at_ms, stream, id, type, data, metadata FROM events ORDER BY position',
  )
  statement.setReturnArrays(true)
  const loop = (): number => {
    let [events, members] = [0, 0]
    for (const row of statement.iterate() as unknown as Iterable<unknown[]>) {
      const data = JSON.parse(String(row[6])) as object
      const metadata = JSON.parse(String(row[7])) as object
      // Something is done with them, so that it cannot be left out.
      members += 'order_id' in data && 'v' in metadata ? 1 : 0
      events++
    }
    if (members !== events) throw new Error('these are not the events')
    return events
  }
  const result = await timed(loop)
  database.close()
  return result
}

/** By the projector, into a read store on SQLite, until it has caught up. */
async function project(projection: Projection, dataDir: string): Promise<Timed> {
  const folder = await mkdtemp(join(dataDir, 'reads-'))
  await using events = await createSqliteEventStore({ dataDir })
  await using store = createSqliteReadStore({ dataDir: folder })
  const head = await lastPosition(events)
  try {
    return await timed(async () => {
      const done = Promise.withResolvers<number>()
      let folded = 0
      const projector = startProjector({
        ...{ projection, events, store, clock: systemClock, owner: 'bench' },
        observer: {
          committed: (info) => {
            folded += info.events
            if (info.position >= head) done.resolve(folded)
          },
          stateChanged: ({ state, error }) => {
            if (state === 'failed') done.reject(error)
          },
        },
      })
      const count = await done.promise
      await projector.stop()
      return count
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** As an audit does, documents in memory. */
async function fromEvents(dataDir: string): Promise<Timed> {
  await using events = await createSqliteEventStore({ dataDir })
  return await timed(async () => (await rebuild(sales, { events })).events)
}

async function lastPosition(events: EventStore): Promise<bigint> {
  const stop = new AbortController()
  for await (const batch of events.subscribe({ prefix: '', types: ['none of these'], signal: stop.signal })) {
    if (batch.caughtUp) return batch.position
  }
  throw new Error('the store has ended')
}

const [mode = '', dataDir = ''] = process.argv.slice(2)
const runs: Readonly<Record<string, () => Promise<Timed>>> = {
  bare: () => bare(dataDir),
  orders: () => project(orders, dataDir),
  sales: () => project(sales, dataDir),
  'from-events': () => fromEvents(dataDir),
}
const result = await runs[mode]?.()
console.log(JSON.stringify({ ...result, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }))
