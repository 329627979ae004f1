import { fileURLToPath } from 'node:url'
import type { EventStore, Projection, ReadStore } from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { rebuild } from '@holdfast/projections'
import { createPostgresReadStore } from '@holdfast/read-store-postgres'
import type { KafkaBroker } from '@holdfast/testing/kafka'
import type { PostgresServer } from '@holdfast/testing/postgres'
import { until } from '@holdfast/testing/processes'
import { afterAll, beforeAll, expect } from 'vitest'
import { createApi, freshKey, type Api } from './api.ts'
import { startStandInProcess } from './distributed-event-store.ts'
import type { ServiceNode } from './distributed-node.ts'
import { startCluster, type Cluster } from './distributed.ts'

/** A cluster with projectors, and direct sight of both its stores. */
export interface ProjectedStage {
  readonly cluster: Cluster
  readonly api: Api
  readonly events: EventStore
  readonly store: ReadStore
}

const appPath = (release: 'v1' | 'v2'): string =>
  fileURLToPath(new URL(`../apps/projections/${release}.ts`, import.meta.url))

/** The first release of the application. */
export const release1 = appPath('v1')

/** What a process needs to serve the next release of the application. */
export const nextRelease = { HOLDFAST_APP: appPath('v2') }

/** Short, for the tests wait for it. */
const leaseMs = 1_500

/** Two of each service, on the broker and the server of its file, before the tests of the present suite. */
export function useProjectedStage(kafka: () => KafkaBroker, postgres: () => PostgresServer): () => ProjectedStage {
  let stage: (ProjectedStage & { readonly resources: AsyncDisposableStack }) | undefined
  beforeAll(async () => {
    await using resources = new AsyncDisposableStack()
    const standIn = resources.use(await startStandInProcess())
    const schema = `test_${crypto.randomUUID().replaceAll('-', '')}`
    const { url } = postgres()
    const env = {
      HOLDFAST_READ_STORE_URL: url,
      HOLDFAST_READ_STORE_SCHEMA: schema,
      HOLDFAST_PROJECTION_LEASE_MS: String(leaseMs),
      HOLDFAST_PROJECTION_WAIT_MS: '10000',
    }
    const { brokers } = kafka()
    const options = { app: release1, brokers, eventStore: standIn, env, projectors: 2 }
    const cluster = resources.use(await startCluster(options))
    const events = createEventStoreDbEventStore({ connectionString: standIn.url })
    resources.defer(() => events.close())
    const store = createPostgresReadStore({ url, schema })
    resources.defer(() => store.close())
    stage = { cluster, api: createApi(cluster.urls), events, store, resources: resources.move() }
  })
  afterAll(() => stage?.resources.disposeAsync())
  return () => {
    if (stage === undefined) throw new Error('the stage is there from beforeAll on')
    return stage
  }
}

/** Places orders of a product, `count` of quantity 2, over all gateways. */
export async function placeOrders({ api }: ProjectedStage, product: string, count: number): Promise<void> {
  const placed = Array.from({ length: count }, async () => {
    const body = { product_id: product, quantity: 2 }
    const response = await api.post('/api/order', { key: freshKey(), json: body, prefer: 'wait=60' })
    expect(response.status, response.body).toBe(201)
  })
  await Promise.all(placed)
}

export interface Totals {
  readonly version: number
  readonly position: bigint
  readonly orders: number
  readonly quantity: number
  readonly largest?: number
}

/** What is read of a product now. */
export async function totalsOf({ store }: ProjectedStage, product: string): Promise<Totals> {
  const read = await store.read({ name: 'order-totals' }, [{ tenant: 'default', id: product }])
  const state = JSON.parse(read?.documents[0] ?? '{"orders":0,"quantity":0}') as { orders: number; quantity: number }
  return { version: read?.version ?? 0, position: read?.position ?? 0n, ...state }
}

/** Waits until so many orders of a product are folded; more would be folded twice. */
export async function untilOrders(stage: ProjectedStage, product: string, orders: number): Promise<Totals> {
  const totals = await until(
    async () => {
      // While the read store is away there is nothing to see.
      const now = await totalsOf(stage, product).catch(() => undefined)
      return now !== undefined && now.orders >= orders && now
    },
    { what: `${orders} orders of ${product}`, timeoutMs: 90_000 },
  )
  expect(totals).toMatchObject({ orders, quantity: orders * 2 })
  return totals
}

/** The live documents, byte by byte, against a fold of the events up to the same position. */
export async function expectEqualsRebuild(stage: ProjectedStage, projection: Projection): Promise<void> {
  const page = await stage.store.list({ name: projection.name }, { tenant: 'default', limit: 10_000 })
  if (page === undefined) throw new Error(`${projection.name} has no build`)
  expect(page.version).toBe(projection.version)
  const rebuilt = await rebuild(projection, { events: stage.events, at: { position: page.position } })
  const expected: { id: string; json: string }[] = []
  for await (const { id, json } of rebuilt.documents()) expected.push({ id, json })
  expect(page.documents).toEqual(expected)
  expect(expected.length).toBeGreaterThan(0)
}

/** The process that keeps a projection now. */
export async function keeperOf(stage: ProjectedStage, projection = 'order-totals'): Promise<ServiceNode> {
  return until(
    async () => {
      const owner = (await stage.store.live(projection))?.owner
      return stage.cluster.projectors.find(({ process }) =>
        process.log.lines.some(({ owner: named }) => named === owner && owner !== undefined),
      )
    },
    { what: `somebody keeps ${projection}`, timeoutMs: 60_000 },
  )
}
