import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { HttpResponse } from '@holdfast/testing/http'
import { describe, expect, test } from 'vitest'
import { anOrder, freshKey, jsonOf } from '../support/api.ts'
import { expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import { expectOneEffect } from './one-effect.ts'
import type { RogueTarget } from './suite.ts'

const together = (count: number, attempt: (at: number) => Promise<HttpResponse>): Promise<readonly HttpResponse[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => attempt(at)))

/** Many attempts at one time: one effect per key, and a replay is byte-identical. */
export function describeStorms({ server, api }: RogueTarget): void {
  describe('one effect per key', () => {
    test('50 simultaneous retries', async () => {
      const key = freshKey()
      const responses = await together(50, () => api().post('/api/order', { key, json: anOrder }))
      await expectOneEffect(server(), responses)
      expect(new Set(responses.map((response) => jsonOf(response)['order_id'])).size).toBe(1)
    })

    test('100 retries within one second', async () => {
      const key = freshKey()
      const responses = await together(100, async (at) => {
        await pause(at * 10)
        return api().post('/api/order', { key, json: anOrder })
      })
      await expectOneEffect(server(), responses)
    })

    test('1,000 retries at once, each on a connection of its own', async () => {
      const key = freshKey()
      const responses = await together(1_000, () => api().post('/api/order', { key, json: anOrder }))
      expect(responses).toHaveLength(1_000)
      await expectOneEffect(server(), responses)
    })

    test('1,000 retries over 100 kept connections, and again when all is done', async () => {
      using agent = disposable(new Agent({ keepAlive: true, maxSockets: 100 }))
      const key = freshKey()
      const attempt = () =>
        api().post('/charge', { key, json: { amount: 5, currency: 'EUR', customer: 'c' }, agent: agent.agent })
      const responses = await together(1_000, attempt)
      await expectOneEffect(server(), responses)
      const [first] = responses
      for (const late of await together(100, attempt)) expect(late.body).toBe(first?.body)
    })

    test('40 keys with 25 retries each, all at one time', async () => {
      const keys = Array.from({ length: 40 }, freshKey)
      const responses = await together(1_000, (at) =>
        api().post('/api/order', { key: keys[at % 40] ?? '', json: anOrder }),
      )
      for (const [at, key] of keys.entries()) {
        const answers = responses.filter((_, n) => n % keys.length === at)
        expect(new Set(answers.map((answer) => answer.body)).size).toBe(1)
        expect(answers.filter((answer) => answer.headers['idempotent-replayed'] === undefined)).toHaveLength(1)
        expect(statusOf(await api().get(`/idempotency-keys/${key}`))).toMatchObject({ attempts: 1, generation: 1 })
        // A look into the store is the dearest part: some of them show it.
        if (at % 10 === 0) await expectOneEffect(server(), answers)
      }
      expect(new Set(responses.map((response) => jsonOf(response)['order_id'])).size).toBe(40)
    })

    test.each([
      { what: 'a business refusal', path: '/api/order', json: { product_id: 'abc', quantity: 2_000 }, status: 409 },
      { what: 'a definite failure', path: '/test/failing', json: { label: 'x' }, status: 500 },
      { what: 'a command that fails at first', path: '/test/throwing-once', json: { label: 'x' }, status: 201 },
      { what: 'several events', path: '/test/several', json: { labels: ['a', 'b'] }, status: 201 },
    ])('50 simultaneous retries of $what', async ({ path, json, status }) => {
      const key = freshKey()
      const responses = await together(50, () => api().post(path, { key, json }))
      expect(responses[0]?.status).toBe(status)
      await expectOneEffect(server(), responses)
    })

    test('50 simultaneous DELETEs of one URI', async () => {
      const path = `/api/orders/${freshKey()}`
      await expectOneEffect(server(), await together(50, () => api().call('DELETE', path)))
    })
  })

  describe('a key means one request', () => {
    test('a storm of two bodies under one key: one wins, the other gets 422, and the key is not poisoned', async () => {
      for (let round = 0; round < 5; round++) {
        const key = freshKey()
        const bodies = [anOrder, { ...anOrder, quantity: 3 }]
        const bodyAt = (at: number) => bodies[at % 2]
        const responses = await together(100, (at) => api().post('/api/order', { key, json: bodyAt(at) }))
        const placed = responses.filter((response) => response.status === 201)
        await expectOneEffect(server(), placed)
        const won = jsonOf(placed[0] ?? unanswered())['quantity'] === 2 ? 0 : 1
        for (const [at, response] of responses.entries()) {
          if (at % 2 === won) expect(response.status).toBe(201)
          else expectProblem(response, 'idempotency-key-reused')
        }
        expectReplay(await api().post('/api/order', { key, json: bodyAt(won) }), placed[0] ?? unanswered())
        expectProblem(await api().post('/api/order', { key, json: bodyAt(won + 1) }), 'idempotency-key-reused')
      }
    })

    test('a storm of two commands under one key: one wins', async () => {
      const key = freshKey()
      const responses = await together(60, (at) =>
        at % 2 === 0
          ? api().post('/api/order', { key, json: anOrder })
          : api().post('/charge', { key, json: { amount: 5, currency: 'EUR', customer: 'c' } }),
      )
      await expectOneEffect(
        server(),
        responses.filter((response) => response.status === 201),
      )
      expect(responses.filter((response) => response.status === 422)).toHaveLength(30)
    })

    test('a storm on a slow command: the other body is told at once, while it runs', async () => {
      const key = freshKey()
      const responses = await together(40, (at) =>
        api().post('/test/slow', { key, json: { label: at % 2 === 0 ? 'even' : 'odd', ms: 1_000 } }),
      )
      const done = responses.filter((response) => response.status === 201)
      expect(done).toHaveLength(20)
      await expectOneEffect(server(), done)
      expect(responses.filter((response) => response.status === 422)).toHaveLength(20)
    })
  })
}

/** An agent whose sockets go when the test ends. */
function disposable(agent: Agent): Disposable & { readonly agent: Agent } {
  return {
    agent,
    [Symbol.dispose]: () => {
      agent.destroy()
    },
  }
}

const unanswered = (): never => {
  throw new Error('there is no such answer')
}
