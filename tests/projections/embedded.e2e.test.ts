import { randomUUID } from 'node:crypto'
import { createSqliteEventStore } from '@holdfast/event-store-sqlite'
import { rebuild } from '@holdfast/projections'
import { createSqliteReadStore } from '@holdfast/read-store-sqlite'
import type { HttpResponse } from '@holdfast/testing/http'
import { temporaryFolder, until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { app as app1 } from '../apps/embedded-projections/v1.ts'
import { createApi, jsonOf, type Api, type CallOptions } from '../support/api.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { expectExecuted, expectProblem, expectReplay } from '../support/expectations.ts'
import { readMetrics } from '../support/metrics.ts'
import { apps } from '../support/paths.ts'

const keys = { acme: 'acme-key-0123456789', globex: 'globex-key-0123456789' }
const env = { HOLDFAST_PROJECTION_WAIT_MS: '20000', HOLDFAST_PROJECTION_SNAPSHOT_EVERY: '7' }
const tenants = { ...env, HOLDFAST_API_KEYS: `acme=${keys.acme},globex=${keys.globex}` }

const positionOf = (response: HttpResponse): string => response.headers['projection-position'] ?? ''
const order = (api: Api, json: object, more: CallOptions = {}) =>
  api.post('/api/order', { key: randomUUID(), json, ...more })

interface Page {
  readonly items: readonly { readonly id: string; readonly document: unknown }[]
  readonly next: string | null
}

/** All pages, as of the position of the first. */
async function listed(
  api: Api,
  path: string,
  { limit = 3, ...options }: CallOptions & { readonly limit?: number } = {},
) {
  const items: Page['items'][number][] = []
  let at = ''
  for (let cursor = ''; ;) {
    const separator = path.includes('?') ? '&' : '?'
    const response = await api.get(`${path}${separator}limit=${limit}${at}${cursor}`, options)
    expect(response.status, response.body).toBe(200)
    const page = jsonOf<Page>(response)
    if (at === '' && !path.includes('at=')) at = `&at=${positionOf(response)}`
    items.push(...page.items)
    if (page.next === null) return items
    cursor = `&cursor=${page.next}`
  }
}

describe('projections of the embedded runtime', () => {
  test('read your writes, as of any position or time, in pages; what is asked for wrongly is refused', async () => {
    await using folder = await temporaryFolder()
    await using service = await startStandaloneProcess({ app: apps.projected1, dataDir: folder.path, env })
    const api = createApi([service.url])
    const positions: string[] = []
    const ids: string[] = []
    for (let n = 0; n < 20; n++) {
      const key = randomUUID()
      const placed = await api.post('/api/order', { key, json: { product_id: `p${n % 3}`, quantity: n + 1 } })
      expectExecuted(placed)
      expect(positionOf(placed)).toMatch(/^\d+$/)
      expectReplay(await api.post('/api/order', { key, json: { product_id: `p${n % 3}`, quantity: n + 1 } }), placed)
      const id = String(jsonOf(placed)['order_id'])
      ids.push(id)
      positions.push(positionOf(placed))
      const read = await api.get(`/projections/orders/${id}?after=${positionOf(placed)}`)
      expect(read.status, read.body).toBe(200)
      expect(jsonOf(read)).toEqual({ product_id: `p${n % 3}`, quantity: n + 1, status: 'placed' })
      expect(BigInt(positionOf(read))).toBeGreaterThanOrEqual(BigInt(positionOf(placed)))
      expect(read.headers['projection-version']).toBe('1')
      expect(read.headers['content-type']).toBe('application/json; charset=utf-8')
    }
    const cancelled = await api.call('DELETE', `/api/orders/${ids[3] ?? ''}`)
    const afterwards = await api.get(`/projections/orders/${ids[3] ?? ''}?after=${positionOf(cancelled)}`)
    expect(jsonOf(afterwards)['status']).toBe('cancelled')
    const sorted = [...ids].sort()
    expect((await listed(api, '/projections/orders')).map(({ id }) => id)).toEqual(sorted)
    expect(await listed(api, '/projections/counts')).toEqual([
      { id: 'p0', document: 7 },
      { id: 'p1', document: 7 },
      { id: 'p2', document: 6 },
    ])
    for (const [n, at] of positions.entries()) {
      expect((await listed(api, `/projections/orders?at=${at}`)).map(({ id }) => id)).toEqual(
        ids.slice(0, n + 1).sort(),
      )
      const total = await api.get(`/projections/total/all?at=${at}`)
      expect([total.body, positionOf(total)]).toEqual([String(((n + 1) * (n + 2)) / 2), at])
    }
    expect(jsonOf(await api.get(`/projections/orders/${ids[3] ?? ''}?at=${positions[19] ?? ''}`))['status']).toBe(
      'placed',
    )
    expect(await listed(api, '/projections/orders?at=2001-02-03T04:05:06Z')).toEqual([])
    expect(await listed(api, `/projections/orders?at=${new Date(Date.now() + 86_400_000).toISOString()}`)).toHaveLength(
      20,
    )
    expect(await listed(api, '/projections/orders?at=9000000000000000000')).toHaveLength(20)

    const missing = await api.get('/projections/orders/nobody')
    expectProblem(missing, 'document-not-found')
    expect(positionOf(missing)).toMatch(/^\d+$/)
    expectProblem(await api.get('/projections/orders/%00'), 'document-not-found')
    expectProblem(await api.get('/projections/nothing'), 'projection-not-found')
    expectProblem(await api.get('/projections/nothing/x'), 'projection-not-found')
    expectProblem(await api.call('POST', '/projections/orders', { json: {} }), 'method-not-allowed')
    const wrong = await api.get('/projections/orders?at=yesterday&after=-1&limit=0&cursor=!&sort=id')
    expect(
      expectProblem(wrong, 'projection-query-invalid')
        .issues?.map(({ path }) => path)
        .sort(),
    ).toEqual(['after', 'at', 'cursor', 'limit', 'sort'])
    for (const query of [
      'at=2026-02-30T00:00:00Z',
      'at=2026-01-01',
      'at=',
      'at=1&at=2',
      'after=1.5',
      'limit=1001',
      'cursor=',
    ])
      expectProblem(await api.get(`/projections/orders?${query}`), 'projection-query-invalid')
    expectProblem(await api.get('/projections/orders/x?limit=1'), 'projection-query-invalid')
    const openApi = jsonOf<{ paths: object }>(await api.get('/openapi.json'))
    expect(Object.keys(openApi.paths)).toEqual(
      expect.arrayContaining(['/projections/orders', '/projections/orders/{id}', '/projections/total/{id}']),
    )
  })

  test('a read does not wait for ever', async () => {
    await using folder = await temporaryFolder()
    const impatient = { ...env, HOLDFAST_PROJECTION_WAIT_MS: '50' }
    await using service = await startStandaloneProcess({ app: apps.projected1, dataDir: folder.path, env: impatient })
    expectProblem(await createApi([service.url]).get('/projections/orders?after=999999'), 'projection-behind')
  })

  test("nobody sees another tenant's documents; what is shared is everybody's", async () => {
    await using folder = await temporaryFolder()
    await using service = await startStandaloneProcess({ app: apps.projected1, dataDir: folder.path, env: tenants })
    const api = createApi([service.url])
    const body = { product_id: 'p', quantity: 5 }
    const mine = await order(api, body, { apiKey: keys.acme })
    const theirs = await order(api, body, { apiKey: keys.globex })
    const [id, position] = [String(jsonOf(mine)['order_id']), positionOf(theirs)]
    expectProblem(await api.get(`/projections/orders/${id}?after=${position}`), 'unauthenticated')
    expectProblem(await api.get('/projections/orders'), 'unauthenticated')
    expect((await api.get(`/projections/orders/${id}?after=${position}`, { apiKey: keys.acme })).status).toBe(200)
    for (const query of [`after=${position}`, `at=${position}`]) {
      expectProblem(await api.get(`/projections/orders/${id}?${query}`, { apiKey: keys.globex }), 'document-not-found')
      const seen = await listed(api, `/projections/orders?${query}`, { apiKey: keys.globex })
      expect(seen.map((item) => item.id)).toEqual([jsonOf(theirs)['order_id']])
      expect((await api.get(`/projections/total/all?${query}`, { apiKey: keys.globex })).body).toBe('10')
      expect((await api.get(`/projections/counts/p?${query}`, { apiKey: keys.acme })).body).toBe('1')
    }
  })

  test('one that fails stands still alone, and says so; better code and a new version take over at the next start', async () => {
    await using folder = await temporaryFolder()
    const first = await startStandaloneProcess({ app: apps.projected1, dataDir: folder.path, env })
    let position = ''
    try {
      const api = createApi([first.url])
      expectExecuted(await order(api, { product_id: 'good', quantity: 1 }))
      expectExecuted(await order(api, { product_id: 'uncountable', quantity: 2 }))
      position = positionOf(await order(api, { product_id: 'good', quantity: 3 }))
      expect((await api.get(`/projections/total/all?after=${position}`)).body).toBe('6')
      const standing = await until(
        async () => {
          const ready = await api.get('/readyz')
          expect(ready.status).toBe(200)
          const { projections } = jsonOf<{ projections: Record<string, { state: string }> }>(ready)
          return projections['counts']?.state === 'failed' ? projections : undefined
        },
        { what: 'the projection has failed' },
      )
      expect(standing).toMatchObject({ orders: { state: 'live' }, total: { state: 'live', version: 1 } })
      expect((await api.get('/projections/counts/good')).body).toBe('1')
      const metrics = await readMetrics({ metricsUrls: [first.url] })
      expect(metrics('holdfast_projector_state', { projection: 'counts', version: '1', state: 'failed' })).toBe(1)
      expect(first.log.text()).toContain('this product cannot be counted')
    } finally {
      await first[Symbol.asyncDispose]()
    }
    await using second = await startStandaloneProcess({ app: apps.projected2, dataDir: folder.path, env })
    const api = createApi([second.url])
    expect((await api.get(`/projections/counts/uncountable?after=${position}`)).body).toBe('1')
    expect((await api.get(`/projections/counts/good`)).body).toBe('2')
    const total = await until(
      async () => {
        const read = await api.get(`/projections/total/all?after=${position}`)
        // Until the new version has caught up the old one is read, and stays what it was.
        if (read.headers['projection-version'] === '1') expect(read.body).toBe('6')
        return read.headers['projection-version'] === '2' && read
      },
      { what: 'the new version' },
    )
    expect(total.body).toBe('6000')
    const ready = jsonOf<{ projections: object }>(await api.get('/readyz'))
    expect(ready.projections).toMatchObject({ counts: { state: 'live' }, total: { state: 'live', version: 2 } })
  })

  test('state and checkpoint agree after kill -9 in the middle of load, again and again', async () => {
    await using folder = await temporaryFolder()
    const acknowledged: string[] = []
    for (let round = 0; round < 4; round++) {
      const service = await startStandaloneProcess({ app: apps.projected1, dataDir: folder.path, env })
      const api = createApi([service.url])
      let killed = false
      const load = Array.from({ length: 8 }, async () => {
        while (!killed) {
          const answer = await order(api, { product_id: `p${acknowledged.length % 5}`, quantity: 1 }).catch(
            () => undefined,
          )
          if (answer?.status === 201) acknowledged.push(String(jsonOf(answer)['order_id']))
        }
      })
      const enough = acknowledged.length + 150
      await until(() => acknowledged.length >= enough, { what: 'the load', timeoutMs: 60_000 })
      service.kill('SIGKILL')
      await service.exited
      killed = true
      await Promise.all(load)
      await using events = await createSqliteEventStore({ dataDir: folder.path })
      await using reads = createSqliteReadStore({ dataDir: folder.path })
      for (const projection of app1.projections) {
        const live = await reads.live(projection.name)
        if (live === undefined) throw new Error(`${projection.name} was not built`)
        const tenant = projection.scope === 'shared' ? '' : 'default'
        const stored = await reads.list({ name: projection.name }, { tenant, limit: 10_000 })
        const rebuilt = await rebuild(projection, { events, at: { position: live.position } })
        const expected: { id: string; json: string }[] = []
        for await (const { id, json } of rebuilt.documents()) expected.push({ id, json })
        expect(stored?.documents).toEqual(expected)
      }
    }
    await using service = await startStandaloneProcess({ app: apps.projected1, dataDir: folder.path, env })
    const api = createApi([service.url])
    const last = await order(api, { product_id: 'last', quantity: 1 })
    const seen = await listed(api, `/projections/orders?after=${positionOf(last)}`, { limit: 1_000 })
    const ids = new Set(seen.map(({ id }) => id))
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
  })
})
