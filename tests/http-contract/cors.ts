import { describe, expect, test } from 'vitest'
import { anOrder, freshKey } from '../support/api.ts'
import { expectExecuted, expectProblem } from '../support/expectations.ts'
import type { Contract } from './contract.ts'
import { apiKeys, pageOrigin } from './profiles.ts'

const origin = pageOrigin
const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'idempotency-key' }

/** Pages that call from a browser (`HOLDFAST_CORS_ORIGINS`): what lets the browser let them. */
export function describeCors({ serve }: Contract): void {
  describe('pages of other origins', () => {
    test('a preflight of a page that is named is answered without an API key, and allows what the contract needs', async () => {
      const { api } = await serve('tenants')
      const response = await api.call('OPTIONS', '/api/order', { headers: { origin, ...preflight } })
      expect(response.status).toBe(204)
      expect(response.headers['access-control-allow-origin']).toBe(origin)
      expect(response.headers['access-control-allow-methods']).toBe('GET, POST, PUT, PATCH, DELETE')
      expect(response.headers['access-control-allow-headers']?.split(', ')).toEqual(
        expect.arrayContaining(['authorization', 'content-type', 'idempotency-key', 'prefer', 'last-event-id']),
      )
      expect(response.headers['vary']).toBe('Origin')
      expect(response.headers['access-control-allow-credentials']).toBeUndefined()
    })

    test('first answer, replay, refusal, look-up: each can be read, with its headers', async () => {
      const { api } = await serve('tenants')
      const call = { key: freshKey(), json: anOrder, apiKey: apiKeys.acme, headers: { origin } }
      const first = await api.post('/api/order', call)
      expectExecuted(first)
      const replay = await api.post('/api/order', call)
      expect(replay.headers['idempotent-replayed']).toBe('true')
      const mismatch = await api.post('/api/order', { ...call, json: { ...anOrder, quantity: 3 } })
      expectProblem(mismatch, 'idempotency-key-reused')
      const refused = await api.post('/api/order', { ...call, apiKey: 'nobody' })
      expectProblem(refused, 'unauthenticated')
      const found = await api.get(first.headers['location'] ?? '', call)
      expect(found.status).toBe(200)
      for (const response of [first, replay, mismatch, refused, found]) {
        expect(response.headers['access-control-allow-origin']).toBe(origin)
        expect(response.headers['access-control-expose-headers']?.split(', ')).toEqual(
          expect.arrayContaining(['location', 'idempotency-expires', 'idempotent-replayed', 'retry-after']),
        )
        expect(response.headers['vary']).toBe('Origin')
      }
    })

    test.each([
      ['another page', 'https://evil.example'],
      ['a part of the name', 'https://shop.example.evil.example'],
      ['no page', 'null'],
    ])('%s gets no leave, neither by a preflight nor by an answer', async (_what, other) => {
      const { api } = await serve('tenants')
      const headers = { origin: other }
      const asked = await api.call('OPTIONS', '/api/order', { headers: { ...headers, ...preflight } })
      expectProblem(asked, 'method-not-allowed')
      const answered = await api.post('/api/order', { key: freshKey(), json: anOrder, apiKey: apiKeys.acme, headers })
      for (const response of [asked, answered]) {
        expect(response.headers['access-control-allow-origin']).toBeUndefined()
        expect(response.headers['vary']).toBe('Origin')
      }
    })

    test('no page at all: the answer says that it depends on that', async () => {
      const { api } = await serve('tenants')
      const call = { key: freshKey(), json: anOrder, apiKey: apiKeys.acme }
      for (const response of [await api.post('/api/order', call), await api.post('/api/order', call)]) {
        expect(response.headers['vary']).toBe('Origin')
        expect(response.headers['access-control-allow-origin']).toBeUndefined()
      }
    })

    test('a command that has a Vary of its own keeps it', async () => {
      const { api } = await serve('tenants')
      const call = { key: freshKey(), json: { label: 'x' }, apiKey: apiKeys.acme }
      for (const headers of [{}, { origin }]) {
        const answer = await api.post('/test/declaring', { ...call, headers })
        expect(answer.headers['vary']?.split(', ').sort()).toEqual(['Accept-Language', 'Origin'])
      }
    })

    test('without the setting nothing of it is sent', async () => {
      const { api } = await serve('standard')
      const response = await api.post('/api/order', { key: freshKey(), json: anOrder, headers: { origin } })
      expectExecuted(response)
      expect(Object.keys(response.headers).filter((name) => /^(access-control|vary)/.test(name))).toEqual([])
    })
  })
}
