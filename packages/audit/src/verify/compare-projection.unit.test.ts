import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  defineProjection,
  systemClock,
  type DomainEvent,
  type EventStore,
  type NewEvent,
  type ReadStore,
} from '@holdfast/core'
import { createStoredDocuments, startProjector } from '@holdfast/projections'
import { createSqliteReadStore } from '@holdfast/read-store-sqlite'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { temporaryFolder, until } from '@holdfast/testing/processes'
import { describe, expect, it } from 'vitest'
import { compareProjection } from './compare-projection.ts'

interface Stock {
  readonly [name: string]: number
  readonly quantity: number
}

type StockReceived = DomainEvent<'StockReceived', { readonly product: string; readonly quantity: number }>
type StockGone = DomainEvent<'StockGone', { readonly product: string }>

const stock = (version = 1) =>
  defineProjection<Stock, StockReceived>({
    name: 'stock',
    version,
    scope: 'shared',
    initial: { quantity: 0 },
    key: ({ data }) => data.product,
    on: { StockReceived: (state, { data }) => ({ quantity: state.quantity + data.quantity }) },
  })

/** Gives the stream. */
async function receive(events: EventStore, product: string, quantity: number): Promise<string> {
  const stream = `inventory-${randomUUID()}`
  const event = { id: randomUUID(), type: 'StockReceived', data: { product, quantity }, metadata: { v: 1 } }
  await events.append(stream, [event], 'no_stream')
  return stream
}

/** A projection that was kept by a projector and then left alone. */
async function keptProjection(readStore: ReadStore) {
  const events = createMemoryEventStore()
  let lastStream = ''
  for (let at = 1; at <= 5; at++) lastStream = await receive(events, `product-${at % 3}`, at)
  const [last] = await events.read(lastStream, { direction: 'backwards', maxCount: 1 })
  const projection = stock()
  const projector = startProjector({ projection, events, store: readStore, clock: systemClock, owner: 'test' })
  const folded = async () => ((await readStore.live('stock'))?.position ?? 0n) >= (last?.position ?? 0n)
  await until(folded, { what: 'the fold' })
  await projector.stop()
  return events
}

describe('a live projection', () => {
  it('equals what its events fold to', async () => {
    await using folder = await temporaryFolder()
    await using readStore = createSqliteReadStore({ dataDir: folder.path })
    const events = await keptProjection(readStore)
    // What came later is not folded yet: the live one is compared as of where it stands.
    await receive(events, 'product-9', 9)
    const compared = await compareProjection({ projection: stock(), events, readStore })
    expect(compared).toMatchObject({ kind: 'compared', documents: 3, differences: [], differenceCount: 0 })
    expect(await compareProjection({ projection: stock(2), events, readStore })).toEqual({
      kind: 'other-version',
      liveVersion: 1,
    })
    const other = { ...stock(), name: 'other' }
    expect(await compareProjection({ projection: other, events, readStore })).toEqual({ kind: 'not-built' })
  })

  it('that was changed by hand is found, each document by its name', async () => {
    await using folder = await temporaryFolder()
    const readStore = createSqliteReadStore({ dataDir: folder.path })
    const events = await keptProjection(readStore)
    await readStore.close()
    const database = new DatabaseSync(join(folder.path, 'projections.sqlite'))
    database.exec(`
      UPDATE documents SET json = '{"quantity":1000}' WHERE id = 'product-0';
      DELETE FROM documents WHERE id = 'product-1';
      UPDATE documents SET id = 'product-x' WHERE id = 'product-2';
    `)
    database.close()
    await using changed = createSqliteReadStore({ dataDir: folder.path })
    const compared = await compareProjection({ projection: stock(), events, readStore: changed })
    expect(compared).toMatchObject({ kind: 'compared', differenceCount: 4 })
    const found = compared.kind === 'compared' ? compared.differences : []
    expect(found.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual([
      ...['changed product-0', 'extra product-x', 'missing product-1', 'missing product-2'],
    ])
    expect(found.find(({ kind }) => kind === 'changed')?.what).toBe(
      'member "quantity": 1000 is live, 3 is what the events fold to',
    )
  })

  it('of many documents and tenants is walked page by page beside a rebuild that is not in memory', async () => {
    await using folder = await temporaryFolder()
    const events = createMemoryEventStore()
    const perTenant = defineProjection<Stock | null, StockReceived | StockGone>({
      name: 'stock',
      initial: null,
      key: ({ data }) => data.product,
      on: {
        StockReceived: (state, { data }) => ({ quantity: (state?.quantity ?? 0) + data.quantity }),
        StockGone: () => undefined,
      },
    })
    // Of `b` nothing is left. A surrogate pair stands behind U+FFFD in UTF-8, and before it in UTF-16.
    const products = [...Array.from({ length: 2_100 }, (_, at) => `p-${at}`), '\ufffd', '\u{1f600}']
    const append = async (tenant: string, type: string, some: readonly string[]) => {
      const written = some.map((product): NewEvent => {
        return { id: randomUUID(), type, data: { product, quantity: 1 }, metadata: { v: 1, tenant } }
      })
      const result = await events.append(`inventory-${randomUUID()}`, written, 'no_stream')
      return result.kind === 'appended' ? result.position : 0n
    }
    await append('c', 'StockReceived', products)
    await append('a', 'StockReceived', products.slice(0, 1_000))
    await append('b', 'StockReceived', ['gone'])
    const last = await append('b', 'StockGone', ['gone'])
    const readStore = createSqliteReadStore({ dataDir: folder.path })
    const kept = { projection: perTenant, events, readStore }
    const projector = startProjector({ ...kept, store: readStore, clock: systemClock, owner: 'test' })
    await until(async () => ((await readStore.live('stock'))?.position ?? 0n) >= last, { what: 'the fold' })
    await projector.stop()
    let open = 0
    const keep = async () => {
      open += 1
      const store = createSqliteReadStore({ dataDir: join(folder.path, randomUUID()) })
      const documents = await createStoredDocuments(perTenant, store)
      const close = async () => {
        open -= 1
        await store.close()
      }
      return { documents, [Symbol.asyncDispose]: close }
    }
    const equal = { kind: 'compared', documents: 3_102, differences: [], differenceCount: 0 }
    expect(await compareProjection({ ...kept, keep })).toMatchObject(equal)
    expect(await compareProjection(kept)).toMatchObject(equal)
    await readStore.close()
    const database = new DatabaseSync(join(folder.path, 'projections.sqlite'))
    database.exec(`
      DELETE FROM documents WHERE tenant = 'a' AND id IN ('p-0', 'p-999');
      DELETE FROM documents WHERE tenant = 'c' AND id = '\ufffd';
      UPDATE documents SET tenant = 'b' WHERE tenant = 'c' AND id = 'p-7';
      UPDATE documents SET json = '{"quantity":3}' WHERE tenant = 'c' AND id = '\u{1f600}';
    `)
    database.close()
    await using changed = createSqliteReadStore({ dataDir: folder.path })
    const compared = await compareProjection({ ...kept, readStore: changed, keep })
    const found = compared.kind === 'compared' ? compared.differences : []
    expect(found.map(({ kind, tenant, id }) => `${kind} ${tenant} ${id}`)).toEqual([
      ...[
        'missing a p-0',
        'missing a p-999',
        'extra b p-7',
        'missing c p-7',
        'missing c \ufffd',
        'changed c \u{1f600}',
      ],
    ])
    expect(open).toBe(0)
  })
})
