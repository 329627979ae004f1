import { describe, expect, test } from 'vitest'
import { until } from '@holdfast/testing/processes'
import { commandIdOf, type IdempotencyKey, type Tenant } from '@holdfast/core'
import { freshKey } from '../support/api.ts'
import { recover, type Shop } from './shop.ts'
import { apiKeys, operatorKey } from './tenants.ts'

const timeoutMs = 60_000

/** `atMostOnce`: a provider that would have the effect again, if it were called again. */
export function describeAtMostOnce(shop: () => Shop): void {
  const apiKey = apiKeys.alpha
  const chargesOf = async (customer: string): Promise<number> =>
    (await shop().providers.payments.ledger()).filter(({ effect }) => effect.customer === customer).length
  const eventsOf = async (key: string) => {
    const { commands } = await shop().histories()
    return commands.get(commandIdOf('alpha' as Tenant, key as IdempotencyKey)) ?? []
  }
  const charge = (key: string, prefer = 'wait=60') =>
    shop().api.post('/test/unsafe-charges', { key, apiKey, prefer, json: { customer: key } })

  describe('a step that is run at most once', () => {
    test('undisturbed: it has its effect', async () => {
      const key = freshKey()
      const answer = await charge(key)
      expect(answer.status, answer.body).toBe(201)
      expect(await chargesOf(key)).toBe(1)
      expect((await eventsOf(key)).map(({ type }) => type)).toEqual([
        'CommandAccepted',
        'StepStarted',
        'StepCompleted',
        'ChargedUnsafely',
      ])
    })

    test.each([
      { point: 'after-append StepStarted:charge-card', effects: 0 },
      { point: 'before-call charge', effects: 0 },
      { point: 'after-call charge', effects: 1 },
      { point: 'before-append StepCompleted:charge-card', effects: 1 },
    ] as const)('killed $point: 500, indeterminate, and it is not run again', async ({ point, effects }) => {
      const key = freshKey()
      await shop().crasher.arm(point)
      const first = charge(key).catch(() => undefined)
      await recover(shop())
      // Nobody asks for it again.
      const lookup = await until(
        async () => {
          const { body, status } = await shop().api.get(`/idempotency-keys/${key}`, { apiKey })
          const found = JSON.parse(body) as { readonly state?: string; readonly response?: { readonly body: string } }
          return status === 200 && found.state === 'failed' && found
        },
        { what: 'it has failed', timeoutMs },
      )
      await first
      const answers = await Promise.all([charge(key), charge(key)])
      for (const answer of answers) {
        expect(answer.status).toBe(500)
        expect(answer.body).toBe(lookup.response?.body)
        expect(JSON.parse(answer.body)).toMatchObject({ type: '/problems/command-failed' })
        expect(answer.body).not.toContain('charge-card')
      }
      expect((await eventsOf(key)).at(-1)?.data).toMatchObject({ indeterminate: 'charge-card' })
      expect(await chargesOf(key)).toBe(effects)
    })

    test('recorded before the crash: it is finished', async () => {
      const key = freshKey()
      await shop().crasher.arm('after-append StepCompleted:charge-card')
      const first = charge(key).catch(() => undefined)
      await recover(shop())
      await first
      const answer = await charge(key)
      expect(answer.status, answer.body).toBe(201)
      expect(await chargesOf(key)).toBe(1)
    })

    test('an operator who has looked releases the key: the next request is executed', async () => {
      const key = freshKey()
      await shop().providers.payments.behave({ mode: 'fail-before', times: 1 })
      expect((await charge(key)).status).toBe(500)
      const released = await shop().api.post(`/idempotency-keys/${key}/release`, {
        apiKey: operatorKey,
        json: { reason: 'the provider says that nothing was charged', tenant: 'alpha' },
      })
      expect(released.status, released.body).toBe(200)
      const answer = await charge(key)
      expect(answer.status, answer.body).toBe(201)
      expect(await chargesOf(key)).toBe(1)
    })
  })
}
