import { describe, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** Commands whose URI names the thing: PUT and DELETE need no key. */
export function describeUriIdentity({ serve }: Contract): void {
  describe('commands that the URI identifies', () => {
    test('PUT without a key: executed; the same body replays; another body is 422', async () => {
      const { api } = await serve('standard')
      const path = `/api/orders/${freshKey()}`
      const first = await api.call('PUT', path, { json: anOrder })
      expectExecuted(first)
      expect(jsonOf(first)).toEqual({ order_id: path.split('/')[3], ...anOrder, status: 'confirmed' })
      expect(first.headers['idempotency-key']).toBeUndefined()
      expectReplay(await api.call('PUT', path, { json: anOrder }), first)
      expectProblem(await api.call('PUT', path, { json: { ...anOrder, quantity: 3 } }), 'idempotency-key-reused')
      expectReplay(await api.call('PUT', path, { json: anOrder }), first)
    })

    test('DELETE without a key and without a body: executed once, then replayed', async () => {
      const { api } = await serve('standard')
      const path = `/api/orders/${freshKey()}`
      const first = await api.call('DELETE', path)
      expectExecuted(first, 200)
      expect(jsonOf(first)).toEqual({ order_id: path.split('/')[3], status: 'cancelled' })
      expectReplay(await api.call('DELETE', path), first)
    })

    test('PUT and DELETE of one URI are two commands, and so are two URIs', async () => {
      const { api } = await serve('standard')
      const id = freshKey()
      const responses = [
        await api.call('PUT', `/api/orders/${id}`, { json: anOrder }),
        await api.call('DELETE', `/api/orders/${id}`),
        await api.call('PUT', `/api/orders/${id}x`, { json: anOrder }),
      ]
      expectExecuted(responses[0] ?? failure())
      expectExecuted(responses[1] ?? failure(), 200)
      expectExecuted(responses[2] ?? failure())
      expect(new Set(responses.map(commandIdIn)).size).toBe(3)
    })

    test('a key header on such a command does not make it another one', async () => {
      const { api } = await serve('standard')
      const path = `/api/orders/${freshKey()}`
      const key = freshKey()
      const first = await api.call('PUT', path, { key, json: anOrder })
      expectExecuted(first)
      expect(first.headers['idempotency-key']).toBe(key)
      expectReplay(await api.call('PUT', path, { key: freshKey(), json: anOrder }), first)
      expectReplay(await api.call('PUT', path, { json: anOrder }), first)
      // And the key itself was not used up.
      expectExecuted(await api.post('/api/order', { key, json: anOrder }))
    })

    test('two spellings of one path are one key; the id in the body must be that of the path', async () => {
      const { api } = await serve('standard')
      const id = `o-${freshKey()}`
      const first = await api.call('PUT', `/api/orders/${id}`, { json: anOrder })
      expectReplay(await api.call('PUT', `/api/orders/%6F${id.slice(1)}?x=1`, { json: anOrder }), first)
      expectReplay(await api.call('PUT', `/api/orders/${id}`, { json: { ...anOrder, order_id: id } }), first)
      const response = await api.call('PUT', `/api/orders/${id}`, { json: { ...anOrder, order_id: 'other' } })
      expect(expectProblem(response, 'request-invalid').issues?.map((issue) => issue.path)).toEqual(['order_id'])
    })

    test('what the path names is validated like the body', async () => {
      const { api } = await serve('standard')
      const response = await api.call('PUT', `/api/orders/${'x'.repeat(65)}`, { json: anOrder })
      expect(expectProblem(response, 'request-invalid').issues?.map((issue) => issue.path)).toEqual(['order_id'])
      expectProblem(await api.call('DELETE', '/api/orders/a%2Fb'), 'request-invalid')
    })

    test('a refusal is recorded for the URI', async () => {
      const { api } = await serve('standard')
      const path = `/api/orders/${freshKey()}`
      const json = { product_id: 'abc', quantity: 1_001 }
      const first = await api.call('PUT', path, { json })
      expect(first.status).toBe(409)
      expectReplay(await api.call('PUT', path, { json }), first)
    })

    test('50 simultaneous PUTs of one URI: one effect', async () => {
      const { api, server } = await serve('standard')
      const path = `/api/orders/${freshKey()}`
      const responses = await Promise.all(Array.from({ length: 50 }, () => api.call('PUT', path, { json: anOrder })))
      expect(new Set(responses.map((response) => `${response.status} ${response.body}`)).size).toBe(1)
      expect(responses.filter((response) => response.headers['idempotent-replayed'] === undefined)).toHaveLength(1)
      expect(await server.events(commandIdIn(responses[0] ?? failure()))).toHaveLength(1)
    })

    test('it can be looked up by its id', async () => {
      const { api } = await serve('standard')
      const first = await api.call('DELETE', `/api/orders/${freshKey()}`)
      const status = statusOf(await api.get(first.headers['location'] ?? ''))
      expect(status).toMatchObject({ command: 'order.cancel', state: 'succeeded', response: { body: first.body } })
    })
  })

  describe('`supersedes: true`', () => {
    test('another body is the next generation; the same body replays the present one', async () => {
      const { api } = await serve('standard')
      const path = `/test/documents/${freshKey()}`
      const versions: string[] = []
      for (const [at, text] of ['one', 'two', 'one'].entries()) {
        const first = await api.call('PUT', path, { json: { text } })
        expectExecuted(first, 200)
        expect(jsonOf(first)['text']).toBe(text)
        expectReplay(await api.call('PUT', path, { json: { text } }), first)
        const status = statusOf(await api.get(first.headers['location'] ?? ''))
        expect(status).toMatchObject({ generation: at + 1, response: { body: first.body } })
        versions.push(String(jsonOf(first)['version']))
      }
      expect(new Set(versions).size, 'an id for each generation').toBe(3)
    })

    test('while one generation runs, the next one waits for its end: both are executed, in order', async () => {
      const { api, server } = await serve('standard')
      const path = `/test/documents/${freshKey()}`
      const slow = await api.call('PUT', path, { json: { text: 'slow', ms: 600 }, prefer: 'respond-async' })
      expect(slow.status).toBe(202)
      const next = await api.call('PUT', path, { json: { text: 'next' } })
      expectExecuted(next, 200)
      const events = await server.events(commandIdIn(next))
      const puts = events.filter((event) => event.type === 'DocumentPut')
      expect(puts.map((event) => event.data['text'])).toEqual(['slow', 'next'])
      expect(puts.map((event) => event.metadata['generation'])).toEqual([1, 2])
    })

    test('simultaneous other bodies: each is decided once, none is lost or refused', async () => {
      const { api, server } = await serve('standard')
      const path = `/test/documents/${freshKey()}`
      const texts = ['a', 'b', 'c', 'd', 'e']
      const responses = await Promise.all(texts.map((text) => api.call('PUT', path, { json: { text } })))
      for (const response of responses) expectExecuted(response, 200)
      expect(responses.map((response) => jsonOf(response)['text'])).toEqual(texts)
      const events = await server.events(commandIdIn(responses[0] ?? failure()))
      // One that had to wait may have been accepted first.
      const puts = events.filter((event) => event.type === 'DocumentPut')
      expect(puts.map((event) => event.metadata['generation'])).toEqual([1, 2, 3, 4, 5])
      expect(puts.map((event) => event.data['text']).sort()).toEqual(texts)
    })
  })
}

const failure = (): never => {
  throw new Error('there is no such answer')
}
