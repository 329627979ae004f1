import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '@holdfast/testing/http'
import { freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import { until } from '@holdfast/testing/processes'
import type { Shop } from './shop.ts'
import { apiKeys, operatorKey } from './tenants.ts'

/** `POST /idempotency-keys/{key}/release`, at every gateway. */
export function describeRelease(shop: () => Shop): void {
  const apiKey = apiKeys.alpha
  const reason = 'the customer was called, the charge was cancelled by hand'
  const release = (
    key: string,
    options: { readonly apiKey?: string; readonly json?: unknown } = {},
  ): Promise<HttpResponse> =>
    shop().api.post(`/idempotency-keys/${key}/release`, {
      apiKey: operatorKey,
      json: { reason, tenant: 'alpha' },
      ...options,
    })
  const charge = (
    key: string,
    options: { readonly amount?: number; readonly prefer?: string; readonly gateway?: number } = {},
  ) => {
    const { amount = 100, ...others } = options
    return shop().api.post('/charge', { key, apiKey, json: { amount, currency: 'EUR', customer: key }, ...others })
  }
  const look = async (key: string) => statusOf(await shop().api.get(`/idempotency-keys/${key}`, { apiKey }))
  const effects = async (key: string): Promise<number> =>
    (await shop().providers.payments.ledger()).filter(({ effect }) => effect.customer === key).length

  describe('an operator releases a key', () => {
    test("needs an operator's key, a reason, and a key that was used", async () => {
      const key = freshKey()
      const first = await charge(key)
      expectExecuted(first)
      for (const wrong of [apiKeys.alpha, 'nobody-has-this-key']) {
        expectProblem(await release(key, { apiKey: wrong }), 'operator-required')
      }
      for (const json of [{}, { reason: '' }, { reason: '  ' }, { reason: 'x'.repeat(501) }, { reason, odd: 1 }]) {
        expectProblem(await release(key, { json }), 'request-invalid')
      }
      expectProblem(await release(freshKey()), 'idempotency-key-not-found')
      expectProblem(await release(key, { json: { reason, tenant: 'beta' } }), 'idempotency-key-not-found')
      expectReplay(await charge(key), first)
      expect(await look(key)).toMatchObject({ state: 'succeeded', generation: 1 })
    })

    test('it shows in the look-up, and the next request is a new generation, with step keys of its own', async () => {
      const key = freshKey()
      const first = await charge(key)
      expectExecuted(first)
      const released = await release(key)
      expect(released.status, released.body).toBe(200)
      expect(jsonOf(released)).toMatchObject({ generation: 1, released: { by: 'olga', reason } })
      for (const gateway of shop().api.urls.keys()) {
        const { body } = await shop().api.get(`/idempotency-keys/${key}`, { apiKey, gateway })
        expect(JSON.parse(body)).toMatchObject({ state: 'released', generation: 1, released: { by: 'olga', reason } })
      }
      // Again: nothing changes.
      expect(jsonOf(await release(key, { json: { reason: 'other', tenant: 'alpha' } }))).toEqual(jsonOf(released))
      expect(await effects(key)).toBe(1)

      const answers = await Promise.all(Array.from({ length: 10 }, () => charge(key, { amount: 200 })))
      const executed = answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined)
      expect(executed).toHaveLength(1)
      for (const answer of answers) expect(answer.body).toBe(executed[0]?.body)
      expect(executed[0]?.body).not.toBe(first.body)
      expect(await look(key)).toMatchObject({ state: 'succeeded', generation: 2 })
      expect(await effects(key), 'the new generation has an effect of its own').toBe(2)
      // The old request is another one now.
      expectProblem(await charge(key), 'idempotency-key-reused')
    })

    test('not while its command runs: 409, and the outcome is there in the end', async () => {
      const key = freshKey()
      await shop().providers.payments.behave({ mode: 'slow', times: 1, delayMs: 4_000 })
      const answer = charge(key)
      await until(async () => (await effects(key)) === 1, { what: 'it runs' })
      expectProblem(await release(key), 'command-in-progress')
      const first = await answer
      expectExecuted(first)
      expectReplay(await charge(key), first)
      expect((await release(key)).status).toBe(200)
    })
  })
}
