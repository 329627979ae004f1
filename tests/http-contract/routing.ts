import { parseAnswers, requestBytes, send, sendRaw } from '@holdfast/testing/http'
import { describe, expect, test } from 'vitest'
import { anOrder, freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** Paths and methods that are not served. */
export function describeRouting({ serve }: Contract): void {
  describe('routing', () => {
    test.each(['/', '/api', '/api/order/', '/api/orders', '/API/ORDER', '/api//order', '/../etc/passwd'])(
      '%s is not served: 404',
      async (path) => {
        const { api } = await serve('standard')
        expectProblem(await api.post(path, { key: freshKey(), json: anOrder }), 'not-found')
        expectProblem(await api.get(path), 'not-found')
      },
    )

    test.each([
      ['GET', '/api/order', ['POST']],
      ['PUT', '/api/order', ['POST']],
      ['PATCH', '/api/order?x=1', ['POST']],
      ['OPTIONS', '/api/order', ['POST']],
      ['PROPFIND', '/api/order', ['POST']],
      ['POST', '/api/orders/o-1', ['DELETE', 'PUT']],
      ['GET', '/api/orders/o-1', ['DELETE', 'PUT']],
      ['POST', '/livez', ['GET', 'HEAD']],
      ['DELETE', `/commands/${'0'.repeat(64)}`, ['GET', 'HEAD']],
      ['PUT', '/idempotency-keys/abc', ['GET', 'HEAD']],
      ['POST', '/openapi.json', ['GET', 'HEAD']],
      ['POST', '/docs/', ['GET', 'HEAD']],
      ['OPTIONS', '/idempotency-keys/abc/release', ['POST']],
    ])('%s %s: 405, and `Allow` says what the path takes', async (method, path, allowed) => {
      const { api } = await serve('standard')
      const response = await api.call(method, path)
      expectProblem(response, 'method-not-allowed')
      expect(response.headers['allow']?.split(', ').sort()).toEqual(allowed)
    })

    test.each([
      '/api/orders/%zz',
      '/api/orders/%',
      '/commands/%E0%A4%A',
      '/idempotency-keys/%ff',
      '/%c0%ae%c0%ae/x',
      '/problems/%',
    ])('%s is no well-formed path: 400', async (path) => {
      const { api } = await serve('standard')
      const method = path.startsWith('/api') ? 'PUT' : 'GET'
      expectProblem(await api.call(method, path), 'request-malformed')
    })

    test('a path beyond any length is refused, and the server works on', async () => {
      const { api } = await serve('standard')
      expectProblem(await api.get(`/idempotency-keys/${'a'.repeat(10_000)}`), 'request-malformed')
      expectProblem(await api.call('PUT', `/api/orders/${'a'.repeat(10_000)}`), 'request-malformed')
      expectExecuted(await api.post('/api/order', { key: freshKey(), json: anOrder }))
    })

    test('requests that are pipelined on one connection are answered in their order', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const order = api.request('POST', '/api/order', { key, json: anOrder, gateway: 0 })
      const slow = api.request('POST', '/test/slow', { key: freshKey(), json: { label: 'x', ms: 300 }, gateway: 0 })
      const last = { ...order, headers: { ...order.headers, connection: 'close' } }
      const bytes = Buffer.concat([slow, order, last].map(requestBytes))
      const answer = await sendRaw({ url: order.url, bytes })
      expect(answer.closed).toBe(true)
      const [first, second, third, ...more] = parseAnswers(answer.bytes)
      if (first === undefined || second === undefined || third === undefined) throw new Error('an answer is missing')
      expect(more).toEqual([])
      expectExecuted(first)
      expect(jsonOf(first)['label']).toBe('x')
      expect([second, third].map((one) => one.status)).toEqual([201, 201])
      expect(third.body).toBe(second.body)
    })

    test('an expectation that nobody knows is ignored', async () => {
      const { api } = await serve('standard')
      const headers = { expect: 'a-miracle' }
      expectExecuted(await api.post('/api/order', { key: freshKey(), json: anOrder, headers }))
    })

    test('a query string changes nothing', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      expectExecuted(await api.post('/api/order?a=1', { key, json: anOrder }))
      const replay = await api.post('/api/order?b=2', { key, json: anOrder })
      expect(replay.headers['idempotent-replayed']).toBe('true')
    })

    test('HEAD looks up without a body', async () => {
      const { api } = await serve('standard')
      const first = await api.post('/api/order', { key: freshKey(), json: anOrder })
      const head = await send({ url: api.urls[0] ?? '', method: 'HEAD', path: first.headers['location'] ?? '' })
      expect({ status: head.status, bytes: head.bytes.length }).toEqual({ status: 200, bytes: 0 })
    })

    test('an endless answer has no HEAD, nor has a command: 405', async () => {
      const { api } = await serve('standard')
      const [url = ''] = api.urls
      for (const [path, allow] of Object.entries({ '/results': 'GET', '/api/order': 'POST' }))
        expect(await send({ url, method: 'HEAD', path })).toMatchObject({ status: 405, headers: { allow } })
    })
  })
}
