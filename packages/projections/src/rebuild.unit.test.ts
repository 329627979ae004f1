import { defineProjection, systemClock } from '@holdfast/core'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { createMemoryReadStore } from '@holdfast/testing/memory-read-store'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { compareUtf8, createMemoryDocuments } from './documents.ts'
import { FoldError } from './fold.ts'
import { startProjector } from './projector.ts'
import { createProjectionReader } from './reader.ts'
import { rebuild } from './rebuild.ts'
import { createStoredDocuments } from './stored-documents.ts'
import { until } from '@holdfast/testing/processes'
import { all, append, appendMany, folded, orders, sales, shopEvent, stored } from './test-support/shop.ts'

// Bounds a hang; measures nothing.
vi.setConfig({ testTimeout: 60_000 })

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('rebuild', () => {
  test('as of a position, as of a time, of a stream, of a tenant', async () => {
    let nowMs = 1_000
    const events = createMemoryEventStore({ nowMs: () => nowMs++ })
    const positions = await appendMany(events, 0, 30)
    const place = (order: string) => ({ type: 'Placed', data: { order, product: 'p', quantity: 1 } })
    await events.append('one', [{ id: crypto.randomUUID(), ...place('x'), metadata: { tenant: 't' } }], 'no_stream')
    expect(await folded(orders, { events, at: { position: 0n } })).toEqual({ position: 0n, documents: {} })
    const five = await folded(orders, { events, at: { position: positions[4] ?? 0n } })
    expect(five.position).toBe(positions[4])
    expect(await folded(orders, { events, at: { timeMs: 1_004 } })).toEqual(five)
    const whole = await folded(orders, { events })
    expect(whole.documents).not.toEqual(five.documents)
    expect(await folded(orders, { events, at: { timeMs: 9e15 } })).toEqual(whole)
    expect((await folded(orders, { events, stream: 'one' })).documents).toEqual({
      't/x': { product: 'p', quantity: 1, status: 'placed' },
    })
    expect((await folded(orders, { events, stream: 'one', at: { position: 1n } })).documents).toEqual({})
    const mine = Object.entries(whole.documents).filter(([place]) => place.startsWith('u/'))
    expect((await folded(orders, { events, tenant: 'u' })).documents).toEqual(Object.fromEntries(mine))
  })

  test('tells its progress, the versions it read, and the event that it cannot fold', async () => {
    const events = createMemoryEventStore()
    await appendMany(events, 0, 1_200)
    const progress: number[] = []
    const rebuilt = await rebuild(sales, { events, onProgress: (at) => progress.push(at.events) })
    expect(progress.length).toBeGreaterThan(1)
    expect(progress.at(-1)).toBe(rebuilt.events)
    expect(rebuilt.storedVersions).toEqual({ Placed: { 1: rebuilt.events } })
    const bad = defineProjection({
      name: 'bad',
      initial: 0,
      on: {
        Cancelled: () => {
          throw new Error('boom')
        },
      },
    })
    await expect(rebuild(bad, { events })).rejects.toThrow(FoldError)
    await expect(rebuild(sales, { events, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })

  test('upcasts at each reading: the stored bytes stay, the version that was read is told', async () => {
    const events = createMemoryEventStore()
    const metadata = (version?: number) => ({ tenant: 't', ...(version !== undefined && { version }) })
    const id = () => crypto.randomUUID()
    await events.append('a', [{ id: id(), type: 'Priced', data: { price: 5 }, metadata: metadata() }], 'no_stream')
    await events.append('b', [{ id: id(), type: 'Priced', data: { cents: 700 }, metadata: metadata(2) }], 'no_stream')
    const before = JSON.stringify(events.log.events(), (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    const revenue = defineProjection<number, { type: 'Priced'; data: { cents: number } }>({
      name: 'revenue',
      initial: 0,
      upcast: { Priced: { 1: (data) => ({ cents: Number(data['price']) * 100 }) } },
      on: { Priced: (sum, { data }) => sum + data.cents },
    })
    const rebuilt = await rebuild(revenue, { events })
    expect(rebuilt.storedVersions).toEqual({ Priced: { 1: 1, 2: 1 } })
    expect((await folded(revenue, { events })).documents).toEqual({ 't/all': 1_200 })
    const after = JSON.stringify(events.log.events(), (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    expect(after).toBe(before)
  })

  test('kept in a read store instead of memory it gives the same, in the same order', async () => {
    const events = createMemoryEventStore()
    await appendMany(events, 0, 3_000)
    for (const projection of all) {
      const documents = await createStoredDocuments(projection, createMemoryReadStore())
      const [here, there] = await Promise.all([
        rebuild(projection, { events }),
        rebuild(projection, { events, documents }),
      ])
      expect(await gathered(there.documents())).toEqual(await gathered(here.documents()))
    }
  })

  test('a rebuild during live load ends equal to the live fold', async () => {
    const events = createMemoryEventStore()
    const store = createMemoryReadStore()
    const projector = startProjector({ projection: orders, events, store, clock: systemClock, owner: 'one' })
    await appendMany(events, 0, 2_000)
    let writing = true
    const write = async (): Promise<void> => {
      for (let n = 2_000; writing; n++) await append(events, shopEvent(n), n % 2 === 0 ? 't' : 'u')
    }
    const writer = write()
    const rebuilds = [await folded(orders, { events }), await folded(orders, { events })]
    writing = false
    await writer
    for (const { position, documents } of rebuilds)
      expect((await folded(orders, { events, at: { position } })).documents).toEqual(documents)
    const end = await folded(orders, { events })
    await until(async () => (await stored(store, 'orders')).position >= end.position, { what: 'the live fold' })
    expect((await stored(store, 'orders')).documents).toEqual(end.documents)
    await projector.stop()
  })
})

describe('as-of answers equal a fold that is cut at that point', () => {
  test('for any history, any snapshots, any moment', async () => {
    const step = fc.record({ n: fc.nat(500), tenant: fc.constantFrom('t', 'u'), pauseMs: fc.nat(3) })
    const run = async (
      steps: readonly { n: number; tenant: string; pauseMs: number }[],
      every: number,
    ): Promise<void> => {
      let nowMs = 1_000
      const events = createMemoryEventStore({ nowMs: () => nowMs })
      const store = createMemoryReadStore()
      const options = { events, store, clock: systemClock, owner: 'one', snapshotEvery: every }
      const projector = startProjector({ ...options, projection: orders })
      const moments = [{ position: 0n }, { timeMs: 0 }, { timeMs: 1e15 }] as (
        { position: bigint } | { timeMs: number }
      )[]
      for (const { n, tenant, pauseMs } of steps) {
        nowMs += pauseMs
        const position = await append(events, shopEvent(n), tenant)
        moments.push({ position }, { position: position - 1n }, { timeMs: nowMs })
        if (n % 3 === 0)
          await until(async () => ((await store.live('orders'))?.position ?? -1n) >= position, {
            what: 'the fold',
            everyMs: 1,
          })
      }
      const reader = createProjectionReader({ events, store, clock: systemClock, waitMs: 0 })
      for (const at of moments) {
        const expected = await folded(orders, { events, at })
        for (const tenant of ['t', 'u']) {
          const mine = Object.entries(expected.documents).flatMap(([place, document]) =>
            place.startsWith(`${tenant}/`) ? [[place.slice(2), document] as const] : [],
          )
          const seen: [string, unknown][] = []
          for (let behind: string | undefined; ;) {
            const page = await reader.page({ projection: orders, tenant, at, limit: 2, behind })
            if (page.kind !== 'read') throw new Error(page.kind)
            for (const { id, json } of page.documents) seen.push([id, JSON.parse(json)])
            behind = page.documents.at(-1)?.id
            if (!page.more) break
          }
          expect(seen).toEqual(mine)
          const document = await reader.document({ projection: orders, tenant, at, id: 'o3' })
          if (document.kind !== 'read') throw new Error(document.kind)
          expect(document.json && (JSON.parse(document.json) as unknown)).toEqual(Object.fromEntries(mine)['o3'])
        }
      }
      await projector.stop()
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.integer({ min: 1, max: 6 }), run),
      {
        numRuns: 40,
      },
    )
  })
})

describe('reads', () => {
  test('wait for a position, bounded, and say where it is when that does not come', async () => {
    const events = createMemoryEventStore()
    const store = createMemoryReadStore()
    const reader = createProjectionReader({ events, store, clock: systemClock, waitMs: 20 })
    const request = { projection: orders, tenant: 't', id: 'o1' }
    expect(await reader.document(request)).toEqual({ kind: 'not-built' })
    expect(await reader.document({ ...request, after: 1n })).toEqual({ kind: 'not-built' })
    expect(await reader.document({ ...request, at: { position: 1n } })).toEqual({ kind: 'not-built' })
    const projector = startProjector({ projection: orders, events, store, clock: systemClock, owner: 'one' })
    const patient = createProjectionReader({ events, store, clock: systemClock, waitMs: 15_000 })
    for (let n = 0; n < 20; n++) {
      const position = await append(events, { type: 'Placed', data: { order: `n${n}`, product: 'p', quantity: n } })
      const read = await patient.document({ projection: orders, tenant: 't', id: `n${n}`, after: position })
      expect(read).toMatchObject({ kind: 'read', json: expect.stringContaining(`"quantity":${n},`) as string })
    }
    await projector.stop()
    const { position: stopped } = (await store.live('orders')) ?? { position: 0n }
    const unseen = await append(events, { type: 'Placed', data: { order: 'y', product: 'p', quantity: 1 } })
    expect(await reader.document({ ...request, after: unseen })).toEqual({ kind: 'late', position: stopped })
  })

  test('do not wait for a position when nothing that the projection folds stands before it', async () => {
    const events = createMemoryEventStore()
    const store = createMemoryReadStore()
    const first = await append(events, shopEvent(0))
    // A checkpoint that stays where it is, as behind a store that tells of no others.
    const claimed = await store.claim({ name: 'orders', version: 1, owner: 'nobody', leaseMs: 1 })
    if (claimed.kind !== 'claimed') throw new Error(claimed.kind)
    const commit = { changes: [], position: first, recordedUntilMs: 0, snapshot: false, caughtUp: true }
    await store.commit(claimed.claim, commit)
    const reader = createProjectionReader({ events, store, clock: systemClock, waitMs: 200 })
    const request = { projection: orders, tenant: 't', id: 'o1' }
    const other = await append(events, { type: 'Other', data: {} })
    expect(await reader.document({ ...request, after: other })).toMatchObject({ kind: 'read', position: first })
    const relevant = await append(events, shopEvent(0))
    expect(await reader.document({ ...request, after: relevant })).toEqual({ kind: 'late', position: first })
    expect(await reader.document({ ...request, after: other })).toMatchObject({ kind: 'read', position: first })
  })

  test('as of a moment that this version has not come to are refused, not folded without end', async () => {
    const events = createMemoryEventStore()
    const store = createMemoryReadStore()
    await appendMany(events, 0, 2_000)
    await store.claim({ name: 'orders', version: 1, owner: 'nobody', leaseMs: 1 })
    const reader = createProjectionReader({ events, store, clock: systemClock, waitMs: 0, maxFolded: 600 })
    const at = { position: 2n ** 60n }
    expect(await reader.page({ projection: orders, tenant: 't', at, limit: 5 })).toEqual({ kind: 'not-reached' })
  })
})

test('ids are compared as read stores do, by UTF-8 bytes', () => {
  const anyId = fc.string({ unit: 'grapheme', maxLength: 6 })
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
  expect(compareUtf8('ﬀ', '😀')).toBeLessThan(0)
})

test('documents in memory come by tenant and id', async () => {
  const documents = createMemoryDocuments()
  await documents.save([
    { tenant: 't', id: 'b', json: '1' },
    { tenant: 'a', id: 'z', json: '2' },
    { tenant: 't', id: 'a', json: '3' },
    { tenant: 't', id: 'b', json: undefined },
  ])
  expect(await gathered(documents.all())).toEqual([
    { tenant: 'a', id: 'z', json: '2' },
    { tenant: 't', id: 'a', json: '3' },
  ])
})
