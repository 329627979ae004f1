import { send } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import { readMetrics } from '../support/metrics.ts'
import type { Contract } from './contract.ts'

/** Health and metrics; and a store that takes no writes. */
export function describeOperations({ serve }: Contract): void {
  describe('health', () => {
    test.each(['/livez', '/readyz'])('%s says ok, at every gateway', async (path) => {
      const { api } = await serve('standard')
      for (const url of api.urls) {
        const response = await send({ url, path })
        expect(response.status).toBe(200)
        expect(jsonOf(response)).toEqual({ status: 'ok' })
      }
    })
  })

  describe('metrics', () => {
    test('are in the Prometheus text format', async () => {
      const { server } = await serve('standard')
      for (const url of server.metricsUrls) {
        const response = await send({ url, path: '/metrics' })
        expect(response.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
        expect(response.body).toContain('# TYPE process_resident_memory_bytes gauge')
      }
    })

    test('count attempts by how they ended, and outcomes once', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const before = await readMetrics(server)
      await api.post('/api/order', { key, json: anOrder })
      await api.post('/api/order', { key, json: anOrder })
      await api.post('/api/order', { key, json: anOrder })
      await api.post('/api/order', { key, json: { ...anOrder, quantity: 3 } })
      await api.post('/api/order', { key: freshKey(), json: { ...anOrder, quantity: 2_000 } })
      await api.post('/test/failing', { key: freshKey(), json: { label: 'x' } })
      const after = await readMetrics(server)
      const grown = (name: string, labels: Record<string, string>): number => after(name, labels) - before(name, labels)
      const attempts = (command: string, result: string): number =>
        grown('holdfast_attempts_total', { command, result })
      const outcomes = (command: string, outcome: string): number =>
        grown('holdfast_outcomes_total', { command, outcome })
      expect({
        executed: attempts('order.place', 'executed'),
        replayed: attempts('order.place', 'replayed'),
        mismatch: attempts('order.place', 'mismatch'),
        succeeded: outcomes('order.place', 'succeeded'),
        rejected: outcomes('order.place', 'rejected'),
        failed: outcomes('test.failing', 'failed'),
        failures: grown('holdfast_handler_failures_total', { command: 'test.failing' }),
        timed: grown('holdfast_attempt_duration_seconds_count', { result: 'replayed' }),
      }).toEqual({
        executed: 2,
        replayed: 2,
        mismatch: 1,
        succeeded: 1,
        rejected: 1,
        failed: 1,
        failures: 2,
        timed: 2,
      })
    })

    test('count those that attach, show what is in flight, and show when it is gone', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const json = { label: 'metrics', ms: 1_200 }
      const before = await readMetrics(server)
      const running = Array.from({ length: 3 }, () => api.post('/test/slow', { key, json, gateway: 0 }))
      await until(
        async () => {
          const now = await readMetrics(server)
          return now('holdfast_requests_in_flight') === 3 && now('holdfast_keys_in_flight') === 1
        },
        { what: 'three requests and one key are in flight' },
      )
      await Promise.all(running)
      const after = await readMetrics(server)
      const grown = (result: string): number =>
        after('holdfast_attempts_total', { command: 'test.slow', result }) -
        before('holdfast_attempts_total', { command: 'test.slow', result })
      expect({ executed: grown('executed'), attached: grown('attached') }).toEqual({ executed: 1, attached: 2 })
      expect({ requests: after('holdfast_requests_in_flight'), keys: after('holdfast_keys_in_flight') }).toEqual({
        requests: 0,
        keys: 0,
      })
    })
  })

  describe('a store that takes no writes', () => {
    test('503 unavailable with Retry-After: nothing runs unprotected; replays and look-ups go on', async (context) => {
      const { api, server } = await serve('standard')
      if (server.breakStore === undefined) {
        context.skip('this runtime has no switch that breaks its store')
        return
      }
      const done = freshKey()
      const first = await api.post('/api/order', { key: done, json: anOrder })
      expectExecuted(first)
      const key = freshKey()
      {
        await using _broken = await server.breakStore()
        expectProblem(await api.get('/readyz'), 'unavailable')
        for (let time = 0; time < 2; time++) {
          const refused = await api.post('/api/order', { key, json: anOrder })
          expectProblem(refused, 'unavailable')
          expect(refused.body).not.toMatch(/sqlite|disk|SQLITE|EFBIG|grpc/i)
        }
        expectProblem(await api.post('/api/order', { key, json: anOrder, prefer: 'respond-async' }), 'unavailable')
        expect((await api.get('/livez')).status).toBe(200)
        expectReplay(await api.post('/api/order', { key: done, json: anOrder }), first)
        expect((await api.get(`/idempotency-keys/${done}`)).status).toBe(200)
        // A write whose outcome is unknown may still be on its way: then it is pending, and never more than that.
        const found = await api.get(`/idempotency-keys/${key}`)
        if (found.status === 200) expect(statusOf(found).state).toBe('pending')
        else expectProblem(found, 'idempotency-key-not-found')
      }
      await until(async () => (await api.get('/readyz')).status === 200, { what: 'the store takes writes again' })
      const placed = await api.post('/api/order', { key, json: anOrder })
      expect(placed.status, placed.body).toBe(201)
      expectReplay(await api.post('/api/order', { key, json: anOrder }), placed)
      expect(await server.events(commandIdIn(placed))).toHaveLength(1)
    })
  })
}
