import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import type { Contract } from './contract.ts'
import { apiKeys } from './profiles.ts'

const aCharge = { amount: 1999, currency: 'EUR', customer: 'c_1' } as const

/** What idempotency middleware in the field gets wrong, each hole by its name. */
export function describeHoles({ serve }: Contract): void {
  describe('holes that others fell into', () => {
    test('check-then-set: 50 simultaneous retries are one effect', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const responses = await Promise.all(Array.from({ length: 50 }, () => api.post('/charge', { key, json: aCharge })))
      expect(new Set(responses.map((response) => `${response.status} ${response.body}`)).size).toBe(1)
      expect(responses.filter((response) => response.headers['idempotent-replayed'] === undefined)).toHaveLength(1)
      const events = await server.events(commandIdIn(responses[0] ?? unanswered()))
      expect(events.map((event) => event.type)).toEqual(['CustomerCharged'])
    })

    test('the handler threw and the record was deleted: here it stays, and a retry is no second execution', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/test/failing', { key, json: { label: 'x' } })
      expectProblem(first, 'command-failed')
      for (let time = 0; time < 3; time++)
        expectReplay(await api.post('/test/failing', { key, json: { label: 'x' } }), first)
      expect(statusOf(await api.get(`/idempotency-keys/${key}`))).toMatchObject({ attempts: 2, generation: 1 })
      expect((await server.events(commandIdIn(first))).filter((event) => event.type === 'CommandFailed')).toHaveLength(
        1,
      )
    })

    test('the response could not be saved after the effect: here effect and response are one write', async () => {
      const { api, server } = await serve('standard')
      const good = await api.post('/charge', { key: freshKey(), json: aCharge })
      const [event, ...others] = await server.events(commandIdIn(good))
      expect(others).toEqual([])
      expect(event?.metadata['outcome']).toMatchObject({ response: { status: 201, body: good.body } })
      const bad = await api.post('/test/unrenderable', { key: freshKey(), json: { label: 'x' } })
      const types = (await server.events(commandIdIn(bad))).map(({ type }) => type)
      expect(types).not.toContain('DoneButUnanswerable')
    })

    test('the scope lacks the tenant: here another tenant’s key is another key', async () => {
      const { api } = await serve('tenants')
      const key = freshKey()
      const mine = await api.post('/charge', { key, json: aCharge, apiKey: apiKeys.acme })
      const theirs = await api.post('/charge', { key, json: aCharge, apiKey: apiKeys.globex })
      expectExecuted(mine)
      expectExecuted(theirs)
      expect(jsonOf(theirs)['charge_id']).not.toBe(jsonOf(mine)['charge_id'])
    })

    test('the scope lacks the operation: here the same key on another route is 422', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/charge', { key, json: aCharge })
      const other = await api.post('/api/order', { key, json: anOrder })
      expectProblem(other, 'idempotency-key-reused')
      expect(other.body).not.toContain(String(jsonOf(first)['charge_id']))
      // The same body, too: what makes the request is the command and the body.
      expectProblem(await api.post('/test/echo', { key, json: aCharge }), 'idempotency-key-reused')
      expectReplay(await api.post('/charge', { key, json: aCharge }), first)
      expect(await server.events(commandIdIn(first))).toHaveLength(1)
    })

    test('its own 422 was stored as the response: here it leaves no trace', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/charge', { key, json: aCharge })
      const before = await api.get(`/idempotency-keys/${key}`)
      for (let time = 0; time < 3; time++) {
        expectProblem(await api.post('/charge', { key, json: { ...aCharge, amount: 1 } }), 'idempotency-key-reused')
      }
      expectReplay(await api.post('/charge', { key, json: aCharge }), first)
      expect((await api.get(`/idempotency-keys/${key}`)).body).toBe(before.body)
      expect(await server.events(commandIdIn(first))).toHaveLength(1)
    })

    test('its own 409 was stored as the response: here the retry after it gets the outcome', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const json = { label: 'x', ms: 600 }
      expect((await api.post('/test/slow-conflict', { key, json, prefer: 'respond-async' })).status).toBe(202)
      expectProblem(await api.post('/test/slow-conflict', { key, json }), 'command-in-progress')
      const done = await until(
        async () => {
          const response = await api.post('/test/slow-conflict', { key, json })
          return response.status !== 409 && response
        },
        { what: 'the outcome' },
      )
      expect(done.status).toBe(201)
    })

    test('the first request was invalid and used the key up: here it did not', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      expectProblem(await api.post('/charge', { key, json: { ...aCharge, amount: -1 } }), 'request-invalid')
      expectExecuted(await api.post('/charge', { key, json: aCharge }))
    })

    test('the store was down and the request passed through: here it is refused and not executed', async (context) => {
      const { api, server } = await serve('standard')
      if (server.breakStore === undefined) {
        context.skip('this runtime has no switch that breaks its store')
        return
      }
      const key = freshKey()
      {
        await using _broken = await server.breakStore()
        expectProblem(await api.post('/charge', { key, json: aCharge }), 'unavailable')
      }
      await until(async () => (await api.get('/readyz')).status === 200, { what: 'the store takes writes again' })
      const first = await api.post('/charge', { key, json: aCharge })
      expect(first.status, first.body).toBe(201)
      expect(await server.events(commandIdIn(first))).toHaveLength(1)
    })

    test('quoted and bare key differ, reordered JSON differs: here they are the same request', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/charge', { key, text: '{"amount":1999,"currency":"EUR","customer":"c_1"}' })
      expectExecuted(first)
      const text = '{ "customer": "c_1", "currency": "EUR",\n "amount": 1999.0 }'
      expectReplay(await api.post('/charge', { key: `"${key}"`, text }), first)
    })

    test('another key with the same body was refused: here it is a second order', async () => {
      const { api } = await serve('standard')
      const first = await api.post('/api/order', { key: freshKey(), json: anOrder })
      const second = await api.post('/api/order', { key: freshKey(), json: anOrder })
      expectExecuted(first)
      expectExecuted(second)
      expect(jsonOf(second)['order_id']).not.toBe(jsonOf(first)['order_id'])
    })

    test('a client could forge "this is a replay": here its headers change nothing', async () => {
      const { api, server } = await serve('standard')
      const headers = {
        'idempotent-replayed': 'true',
        'idempotency-expires': '2000-01-01T00:00:00Z',
        location: '/commands/x',
        'x-request-id': 'forged',
        'x-tenant': 'other',
      }
      const response = await api.post('/charge', { key: freshKey(), json: aCharge, headers })
      expectExecuted(response)
      expect(response.headers['x-request-id']).not.toBe('forged')
      expect(Date.parse(response.headers['idempotency-expires'] ?? '')).toBeGreaterThan(Date.now())
      expect(await server.events(commandIdIn(response))).toHaveLength(1)
    })

    test('the lease was shorter than the work, and it ran twice: here there is no lease to outlive', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const json = { label: 'long', ms: 3_000 }
      const answers = [await api.post('/test/slow', { key, json, prefer: 'respond-async' })]
      // Attempt after attempt gives up its wait and comes again, at whatever gateway.
      const done = await until(
        async () => {
          const response = await api.post('/test/slow', { key, json, prefer: 'wait=1' })
          answers.push(response)
          return response.status === 201 && response
        },
        { what: 'the outcome' },
      )
      expect(answers.filter((answer) => answer.status === 202).length).toBeGreaterThan(1)
      const events = await server.events(commandIdIn(done))
      expect(events.map((event) => event.type)).toEqual(['CommandAccepted', 'SlowDone'])
      expect(statusOf(await api.get(`/idempotency-keys/${key}`))).toMatchObject({ attempts: 1, generation: 1 })
    })

    test('what is in flight was checked before the fingerprint: here a mismatched retry is 422, not 409', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const running = { key, json: { label: 'x', ms: 600 }, prefer: 'respond-async' }
      expect((await api.post('/test/slow-conflict', running)).status).toBe(202)
      const other = await api.post('/test/slow-conflict', { key, json: { label: 'y', ms: 0 } })
      expectProblem(other, 'idempotency-key-reused')
    })

    test('a different body under the same key was replayed silently: here it is told', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/api/order', { key, json: anOrder })
      const other = await api.post('/api/order', { key, json: { ...anOrder, quantity: 3 } })
      expectProblem(other, 'idempotency-key-reused')
      expect(other.body).not.toContain(String(jsonOf(first)['order_id']))
    })
  })
}

const unanswered = (): never => {
  throw new Error('there is no answer')
}
