import { describe, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** The first execution and its replays. */
export function describeExecution({ serve }: Contract): void {
  describe('first execution and replay', () => {
    test("the article's order is placed: its own status, its body, and every header of the contract", async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const before = Date.now()
      const response = await api.post('/api/order', { key, json: anOrder })
      expectExecuted(response)
      const order = jsonOf(response)
      expect(order).toEqual({ order_id: order['order_id'], ...anOrder, status: 'confirmed' })
      expect(order['order_id']).toMatch(/^[0-9a-f-]{36}$/)
      expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
      expect(response.headers['idempotency-key']).toBe(key)
      expect(response.headers['location']).toMatch(/^\/commands\/[0-9a-f]{64}$/)
      // 24 hours from completion, and never told earlier than it is.
      const expires = Date.parse(response.headers['idempotency-expires'] ?? '')
      expect(expires).toBeGreaterThanOrEqual(before + 86_400_000)
      expect(expires).toBeLessThanOrEqual(Date.now() + 86_401_000)
    })

    test('a replay is byte-identical: status, body, declared headers; and it is marked', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/api/order', { key, json: anOrder })
      expectExecuted(first)
      for (let time = 0; time < 3; time++) {
        const replay = await api.post('/api/order', { key, json: anOrder })
        expectReplay(replay, first)
        expect(replay.headers['idempotency-expires']).toBe(first.headers['idempotency-expires'])
        expect(replay.headers['idempotency-key']).toBe(key)
      }
    })

    test.each([
      { what: 'several events', path: '/test/several', json: { labels: ['a', 'b', 'c'] }, status: 201 },
      { what: 'headers of its own', path: '/test/declaring', json: { label: 'blue' }, status: 200 },
      { what: 'no body', path: '/test/empty', json: { label: 'x' }, status: 204 },
      { what: 'a large body', path: '/test/large', json: { bytes: 300_000 }, status: 201 },
      { what: 'a charge', path: '/charge', json: { amount: 1999, currency: 'EUR', customer: 'c_1' }, status: 201 },
    ])('an answer with $what is replayed whole', async ({ path, json, status }) => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post(path, { key, json })
      expectExecuted(first, status)
      expectReplay(await api.post(path, { key, json }), first)
    })

    test('declared headers are sent on the first answer and on each replay', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/test/declaring', { key, json: { label: 'blue' } })
      const replay = await api.post('/test/declaring', { key, json: { label: 'blue' } })
      for (const response of [first, replay]) {
        expect(response.headers).toMatchObject({
          etag: `"${String(jsonOf(first)['id'])}"`,
          'cache-control': 'private, max-age=60',
          'x-label': 'blue',
        })
      }
    })

    test('several events are one write: all of them stand on the stream, the last one carries the outcome', async () => {
      const { api, server } = await serve('standard')
      const response = await api.post('/test/several', { key: freshKey(), json: { labels: ['a', 'b', 'c'] } })
      expect(jsonOf(response)).toEqual({ count: 3, last: 'c' })
      const events = await server.events(commandIdIn(response))
      const domain = events.filter((event) => event.type === 'LabelAdded')
      expect(domain.map((event) => event.data['label'])).toEqual(['a', 'b', 'c'])
      expect(domain.map((event) => event.metadata['outcome'] !== undefined)).toEqual([false, false, true])
    })

    test('a command that narrows its fingerprint: the note may differ, the amount may not', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/test/noted', { key, json: { amount: 5, note: 'first' } })
      expectExecuted(first)
      expectReplay(await api.post('/test/noted', { key, json: { amount: 5, note: 'second' } }), first)
      expectProblem(
        await api.post('/test/noted', { key, json: { amount: 6, note: 'first' } }),
        'idempotency-key-reused',
      )
    })

    test('many keys at once: each has an outcome of its own', async () => {
      const { api } = await serve('standard')
      const responses = await Promise.all(
        Array.from({ length: 40 }, () => api.post('/api/order', { key: freshKey(), json: anOrder })),
      )
      for (const response of responses) expectExecuted(response)
      expect(new Set(responses.map((response) => jsonOf(response)['order_id'])).size).toBe(40)
    })

    test('where a command stands, by its id and by its key', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/api/order', { key, json: anOrder })
      const byId = await api.get(first.headers['location'] ?? '')
      const byKey = await api.get(`/idempotency-keys/${key}`)
      const status = statusOf(byId)
      expect(statusOf(byKey)).toEqual(status)
      expect(status).toMatchObject({
        command_id: commandIdIn(first),
        command: 'order.place',
        state: 'succeeded',
        attempts: 1,
        generation: 1,
        response: { status: 201, body: first.body },
      })
      expect(status.fingerprint).toMatch(/^[0-9a-f]{64}$/)
      expect(Date.parse(status.completed_at ?? '')).toBeGreaterThanOrEqual(Date.parse(status.accepted_at))
      expect(Date.parse(status.expires_at ?? '') - Date.parse(status.completed_at ?? '')).toBe(86_400_000)
      expect(byId.headers['cache-control']).toBe('no-store')
    })
  })
}
