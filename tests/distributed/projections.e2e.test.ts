import { describeWithKafka } from '@holdfast/testing/kafka'
import { describeWithPostgres } from '@holdfast/testing/postgres'
import { runToExit, until } from '@holdfast/testing/processes'
import { afterEach, expect, test } from 'vitest'
import { orderLines, orderTotals, orderTotals2 } from '../apps/projections/order-totals.ts'
import { createApi, freshKey, jsonOf } from '../support/api.ts'
import { startStandInProcess } from '../support/distributed-event-store.ts'
import { startCluster } from '../support/distributed.ts'
import { readMetrics } from '../support/metrics.ts'
import {
  expectEqualsRebuild,
  keeperOf,
  nextRelease,
  placeOrders,
  release1,
  totalsOf,
  untilOrders,
  useProjectedStage,
} from '../support/projected-stage.ts'

const timeoutMs = 90_000

describeWithKafka('projections over several projectors', (kafka) => {
  describeWithPostgres(
    'in PostgreSQL',
    (postgres) => {
      const stage = useProjectedStage(kafka, postgres)

      afterEach(async () => {
        await Promise.all(stage().cluster.projectors.map((projector) => projector.revive()))
      })

      test('every order is folded once, into each projection, and the lag comes back to nothing', async () => {
        await placeOrders(stage(), 'once', 100)
        await untilOrders(stage(), 'once', 100)
        await expectEqualsRebuild(stage(), orderTotals)
        const lines = { tenant: 'default', limit: 1_000 }
        await until(async () => (await stage().store.list({ name: 'order-lines' }, lines))?.documents.length === 100, {
          what: 'each order has its line',
          timeoutMs,
        })
        await expectEqualsRebuild(stage(), orderLines)
        const { cluster } = stage()
        await until(
          async () => {
            const metric = await readMetrics(cluster)
            const working = metric('holdfast_projector_state', { projection: 'order-totals', state: 'live' })
            const waiting = metric('holdfast_projector_state', { projection: 'order-totals', state: 'standby' })
            const folded = metric('holdfast_projected_events_total', { projection: 'order-totals' })
            const lag = metric('holdfast_projection_lag_seconds', { projection: 'order-totals' })
            return working === 1 && waiting === 1 && folded === 100 && lag === 0
          },
          { what: 'one works, one stands by, nothing is behind', timeoutMs, everyMs: 200 },
        )
      })

      test('read-your-writes across gateways: what was placed at one is read at the other', async () => {
        const { api } = stage()
        for (let n = 1; n <= 20; n++) {
          const gateway = n % 2
          const body = { product_id: 'across', quantity: 2 }
          const placed = await api.post('/api/order', { key: freshKey(), json: body, prefer: 'wait=60', gateway })
          const position = placed.headers['projection-position'] ?? ''
          expect(position).toMatch(/^\d+$/)
          const read = await api.get(`/projections/order-totals/across?after=${position}`, { gateway: 1 - gateway })
          expect(read.status, read.body).toBe(200)
          expect(jsonOf(read)).toEqual({ orders: n, quantity: n * 2 })
          expect(BigInt(read.headers['projection-position'] ?? '0')).toBeGreaterThanOrEqual(BigInt(position))
        }
      })

      test('both gateways read the same, as of any moment', async () => {
        const { api } = stage()
        const now = await api.get('/projections/order-lines?limit=1', { gateway: 0 })
        const at = now.headers['projection-position']
        await placeOrders(stage(), 'later', 30)
        await untilOrders(stage(), 'later', 30)
        const pages = await Promise.all(
          [0, 1].map((gateway) => api.get(`/projections/order-lines?limit=1000&at=${at}`, { gateway })),
        )
        const [first, second] = pages
        expect(first?.status, first?.body).toBe(200)
        expect(first?.body).toBe(second?.body)
        const { items } = JSON.parse(first?.body ?? '') as { items: { document: { product_id: string } }[] }
        expect(items.length).toBeGreaterThanOrEqual(120)
        expect(items.some(({ document }) => document.product_id === 'later')).toBe(false)
      })

      test('without projectors projections are read as they are, and a position beyond is told to be late', async () => {
        const { api, cluster } = stage()
        await untilOrders(stage(), 'later', 30)
        await Promise.all(cluster.projectors.map((projector) => projector.stop()))
        const body = { product_id: 'later', quantity: 2 }
        const placed = await api.post('/api/order', { key: freshKey(), json: body, prefer: 'wait=60' })
        expect(placed.status, placed.body).toBe(201)
        const path = '/projections/order-totals/later'
        expect(jsonOf(await api.get(path))).toEqual({ orders: 30, quantity: 60 })
        const late = await api.get(`${path}?after=${placed.headers['projection-position'] ?? ''}`)
        expect(late.status, late.body).toBe(503)
        expect(jsonOf(late)).toMatchObject({ type: '/problems/projection-behind', retryable: true })
        await Promise.all(cluster.projectors.map((projector) => projector.start()))
        await untilOrders(stage(), 'later', 31)
      })

      test('kill -9 of the projector that works: the other one takes over, and nothing is folded twice', async () => {
        for (let round = 1; round <= 3; round++) {
          const keeper = await keeperOf(stage())
          const placing = placeOrders(stage(), 'killed', 40)
          await until(async () => (await totalsOf(stage(), 'killed')).orders > (round - 1) * 60 + 5, {
            what: 'it is in the middle of it',
            timeoutMs,
          })
          await keeper.kill()
          await placing
          await placeOrders(stage(), 'killed', 20)
          await untilOrders(stage(), 'killed', round * 60)
          // Who folded the last of them cannot be the dead one.
          expect(await keeperOf(stage())).not.toBe(keeper)
          await keeper.start()
        }
        await expectEqualsRebuild(stage(), orderTotals)
      })

      test('a projector that is paused beyond its lease, and wakes, writes nothing any more', async () => {
        const keeper = await keeperOf(stage())
        const placing = placeOrders(stage(), 'paused', 60)
        await until(async () => (await totalsOf(stage(), 'paused')).orders > 3, {
          what: 'it is in the middle of it',
          timeoutMs,
        })
        keeper.pause()
        await placing
        await untilOrders(stage(), 'paused', 60)
        const other = await keeperOf(stage())
        expect(other).not.toBe(keeper)
        keeper.resume()
        await placeOrders(stage(), 'paused', 40)
        await untilOrders(stage(), 'paused', 100)
        await expectEqualsRebuild(stage(), orderTotals)
      })

      test('the read store is killed and restarted under load: everything is folded once', async () => {
        const placing = placeOrders(stage(), 'outage', 80)
        await until(async () => (await totalsOf(stage(), 'outage').catch(() => undefined))?.orders !== 0, {
          what: 'it is in the middle of it',
          timeoutMs,
        })
        await postgres().kill()
        // Commands do not need it, and neither does their gateway's place behind a load balancer.
        await placing
        await placeOrders(stage(), 'outage', 20)
        const { api } = stage()
        const refused = await api.get('/projections/order-totals/outage')
        expect(refused.status, refused.body).toBe(503)
        expect(jsonOf(refused)).toMatchObject({ type: '/problems/unavailable', retryable: true })
        expect(refused.headers['retry-after']).toBeDefined()
        expect((await api.get('/readyz')).status).toBe(200)
        await postgres().restart()
        await until(async () => (await api.get('/projections/order-totals/outage')).status === 200, {
          what: 'it is read again',
          timeoutMs,
        })
        await untilOrders(stage(), 'outage', 100)
        await expectEqualsRebuild(stage(), orderTotals)
      })

      test('a new version is built beside the one that is read, under load, and takes its place: never back in time', async () => {
        await placeOrders(stage(), 'rebuilt', 50)
        await untilOrders(stage(), 'rebuilt', 50)
        let done = false
        const watching = (async () => {
          const seen = { position: 0n, version: 1, orders: 0 }
          while (!done) {
            const read = await stage().api.get('/projections/order-totals/rebuilt')
            expect(read.status, read.body).toBe(200)
            const position = BigInt(read.headers['projection-position'] ?? '')
            const version = Number(read.headers['projection-version'])
            const orders = Number(jsonOf(read)['orders'])
            expect(position).toBeGreaterThanOrEqual(seen.position)
            expect(version).toBeGreaterThanOrEqual(seen.version)
            expect(orders).toBeGreaterThanOrEqual(seen.orders)
            Object.assign(seen, { position, version, orders })
          }
          return seen
        })()
        const placing = placeOrders(stage(), 'rebuilt', 100)
        const next = await stage().cluster.addProjector(nextRelease)
        await placing
        await until(async () => (await stage().store.live('order-totals'))?.version === 2, {
          what: 'the new version is read',
          timeoutMs,
        })
        await untilOrders(stage(), 'rebuilt', 150)
        done = true
        expect(await watching).toMatchObject({ version: 2, orders: 150 })
        expect((await totalsOf(stage(), 'rebuilt')).largest).toBe(2)
        await expectEqualsRebuild(stage(), orderTotals2)
        // The old code goes on with what has not changed, and leaves the rest alone.
        await until(() => stage().cluster.projectors.every((projector) => projector.logLines().some(superseded)), {
          what: 'the old projectors have seen it',
          timeoutMs,
        })
        await expectEqualsRebuild(stage(), orderLines)
        await until(async () => (await stage().store.builds('order-totals')).length === 1, {
          what: 'what is left of the old version is gone',
          timeoutMs,
        })
        await next.kill()
      })
    },
    { killsServer: true },
  )
})

describeWithKafka('a gateway without a read store', (kafka) => {
  test('takes commands, and says that it serves no projections', async () => {
    await using standIn = await startStandInProcess()
    const { brokers } = kafka()
    await using cluster = await startCluster({ app: release1, brokers, eventStore: standIn, gateways: 1, handlers: 1 })
    const api = createApi(cluster.urls)
    const json = { product_id: 'p', quantity: 1 }
    expect((await api.post('/api/order', { key: freshKey(), json, prefer: 'wait=60' })).status).toBe(201)
    for (const path of ['/projections/order-totals', '/projections/order-totals/p']) {
      const refused = await api.get(path)
      expect(refused.status).toBe(404)
      expect(jsonOf(refused)).toMatchObject({
        type: '/problems/projection-not-found',
        detail: expect.stringContaining('no read store') as string,
      })
    }
    expect(cluster.logLines().some(({ msg }) => String(msg).includes('HOLDFAST_READ_STORE_URL is not set'))).toBe(true)
  })
})

const superseded = (line: Readonly<Record<string, unknown>>): boolean =>
  line['projection'] === 'order-totals' && line['state'] === 'superseded'

test('a projector without a read store says what is missing', async () => {
  const entry = new URL('../../services/projector/src/main.ts', import.meta.url).pathname
  const { code, stderr } = await runToExit({ entry })
  expect(code).toBe(1)
  expect(stderr).toContain('HOLDFAST_READ_STORE_URL is missing')
  const refused = await runToExit({ entry, env: { HOLDFAST_READ_STORE_URL: 'mysql://root:hidden@localhost/x' } })
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('HOLDFAST_READ_STORE_URL=(secret) is not allowed: it takes postgres://')
  expect(refused.stderr).not.toContain('hidden')
})
