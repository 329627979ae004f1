import { describeWithKafka } from '@holdfast/testing/kafka'
import { describeWithPostgres } from '@holdfast/testing/postgres'
import { runToExit, until } from '@holdfast/testing/processes'
import { afterEach, expect, test } from 'vitest'
import { orderLines, orderTotals, orderTotals2 } from '../apps/projections/order-totals.ts'
import { readMetrics } from '../support/metrics.ts'
import {
  expectEqualsRebuild,
  keeperOf,
  nextRelease,
  placeOrders,
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
        // Commands do not need it.
        await placing
        await placeOrders(stage(), 'outage', 20)
        await postgres().restart()
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
            const { position, version, orders } = await totalsOf(stage(), 'rebuilt')
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
