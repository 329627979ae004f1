import { describe, expect, test } from 'vitest'
import { anOrder, freshKey } from '../support/api.ts'
import { expectExecuted, expectProblem } from '../support/expectations.ts'
import type { Contract } from './contract.ts'
import { apiKeys } from './profiles.ts'

/** The order of checks is fixed: authenticate, key, body, fingerprint, in flight, store. */
export function describeCheckOrder({ serve }: Contract): void {
  describe('the order of checks', () => {
    test('authentication before the key', async () => {
      const { api } = await serve('tenants')
      expectProblem(await api.post('/api/order', { json: anOrder }), 'unauthenticated')
      expectProblem(await api.post('/api/order', { key: 'a b', text: '{' }), 'unauthenticated')
    })

    test('the key before the body', async () => {
      const { api } = await serve('tenants')
      const apiKey = apiKeys.acme
      expectProblem(await api.post('/api/order', { text: '{', apiKey }), 'idempotency-key-missing')
      const noJson = { text: 'x', contentType: 'text/plain', apiKey }
      expectProblem(await api.post('/api/order', { key: 'a b', ...noJson }), 'idempotency-key-invalid')
    })

    test('the body before the fingerprint', async () => {
      const { api } = await serve('tenants')
      const apiKey = apiKeys.acme
      const key = freshKey()
      expectExecuted(await api.post('/api/order', { key, json: anOrder, apiKey }))
      expectProblem(await api.post('/api/order', { key, text: '{', apiKey }), 'request-malformed')
      expectProblem(await api.post('/api/order', { key, json: { quantity: 2 }, apiKey }), 'request-invalid')
      expectProblem(
        await api.post('/api/order', { key, json: { ...anOrder, quantity: 3 }, apiKey }),
        'idempotency-key-reused',
      )
    })

    test('the fingerprint before what is in flight', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const json = { label: 'x', ms: 700 }
      const running = await api.post('/test/slow-conflict', { key, json, prefer: 'respond-async' })
      expect(running.status).toBe(202)
      const other = await api.post('/test/slow-conflict', { key, json: { label: 'y', ms: 0 } })
      expectProblem(other, 'idempotency-key-reused')
      expectProblem(await api.post('/test/slow-conflict', { key, json }), 'command-in-progress')
    })
  })
}
