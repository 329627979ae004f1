import { describe, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import type { Contract } from './contract.ts'
import { apiKeys } from './profiles.ts'

const { acme, globex } = apiKeys

/** API keys, and two tenants that know nothing of each other. */
export function describeTenants({ serve }: Contract): void {
  describe('authentication', () => {
    test.each([
      ['nothing', {}],
      ['an unknown key', { authorization: 'Bearer somebody-else-0123456789' }],
      ['a part of a key', { authorization: `Bearer ${acme.slice(0, -1)}` }],
      ['an empty token', { authorization: 'Bearer ' }],
      ['another scheme', { authorization: `Basic ${Buffer.from(`acme:${acme}`).toString('base64')}` }],
      ['the key without its scheme', { authorization: acme }],
      ['a key and something more', { authorization: `Bearer ${acme} ${globex}` }],
      ['the tenant as a header', { 'x-tenant': 'acme' }],
    ])('with %s: 401 on commands and look-ups', async (_what, headers) => {
      const { api } = await serve('tenants')
      const key = freshKey()
      const owned = await api.post('/api/order', { key, json: anOrder, apiKey: acme })
      for (const response of [
        await api.post('/api/order', { key, json: anOrder, headers }),
        await api.call('PUT', `/api/orders/${key}`, { json: anOrder, headers }),
        await api.get(owned.headers['location'] ?? '', { headers }),
        await api.get(`/idempotency-keys/${key}`, { headers }),
      ]) {
        expectProblem(response, 'unauthenticated')
        expect(response.headers['www-authenticate']).toBe('Bearer')
        expect(response.body).not.toContain(String(jsonOf(owned)['order_id']))
      }
    })

    test('the scheme is spelled as one likes', async () => {
      const { api } = await serve('tenants')
      const headers = { authorization: `bearer  ${acme}` }
      expectExecuted(await api.post('/api/order', { key: freshKey(), json: anOrder, headers }))
    })

    test.each(['/livez', '/readyz', '/metrics', '/openapi.json', '/problems/unauthenticated'])(
      '%s needs no key',
      async (path) => {
        const { api } = await serve('tenants')
        expect((await api.get(path)).status).toBe(200)
      },
    )
  })

  describe('nobody sees another tenant’s response', () => {
    test('the same key, the same body: two commands, each with its own answer', async () => {
      const { api } = await serve('tenants')
      const key = freshKey()
      const mine = await api.post('/api/order', { key, json: anOrder, apiKey: acme })
      const theirs = await api.post('/api/order', { key, json: anOrder, apiKey: globex })
      expectExecuted(mine)
      expectExecuted(theirs)
      expect(theirs.body).not.toBe(mine.body)
      expect(commandIdIn(theirs)).not.toBe(commandIdIn(mine))
      expectReplay(await api.post('/api/order', { key, json: anOrder, apiKey: acme }), mine)
      expectReplay(await api.post('/api/order', { key, json: anOrder, apiKey: globex }), theirs)
    })

    test('the same key, another body: no 422, so that nobody learns which keys others use', async () => {
      const { api } = await serve('tenants')
      const key = freshKey()
      expectExecuted(await api.post('/api/order', { key, json: anOrder, apiKey: acme }))
      expectExecuted(
        await api.post('/charge', { key, json: { amount: 1, currency: 'EUR', customer: 'c' }, apiKey: globex }),
      )
    })

    test('nor by a look-up: by key, by id, while it runs or later', async () => {
      const { api } = await serve('tenants')
      const key = freshKey()
      const accepted = await api.post('/test/slow', {
        key,
        json: { label: 'secret', ms: 300 },
        apiKey: acme,
        prefer: 'respond-async',
      })
      expect(accepted.status).toBe(202)
      const location = accepted.headers['location'] ?? ''
      const lookups = [location, `/idempotency-keys/${key}`]
      for (const path of lookups) {
        expectProblem(
          await api.get(path, { apiKey: globex }),
          path === location ? 'command-not-found' : 'idempotency-key-not-found',
        )
      }
      const done = await api.post('/test/slow', { key, json: { label: 'secret', ms: 300 }, apiKey: acme })
      expect(done.status).toBe(201)
      for (const path of lookups) {
        expect(statusOf(await api.get(path, { apiKey: acme })).response?.body).toBe(done.body)
        const denied = await api.get(path, { apiKey: globex })
        expectProblem(denied, path === location ? 'command-not-found' : 'idempotency-key-not-found')
        expect(denied.body).not.toContain('secret')
      }
    })

    test('the same URI: two things', async () => {
      const { api } = await serve('tenants')
      const path = `/api/orders/${freshKey()}`
      expectExecuted(await api.call('PUT', path, { json: anOrder, apiKey: acme }))
      expectExecuted(await api.call('PUT', path, { json: { ...anOrder, quantity: 3 }, apiKey: globex }))
    })
  })
}
