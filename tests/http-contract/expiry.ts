import { until } from '@holdfast/testing/processes'
import type { HttpResponse } from '@holdfast/testing/http'
import { describe, expect, test } from 'vitest'
import { commandIdIn, freshKey } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** What an expired key meets. */
export function describeExpiry({ serve }: Contract): void {
  describe('an expired key', () => {
    test('is executed as a new generation, never before the moment that was told', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const json = { label: 'short' }
      const first = await api.post('/test/short-lived', { key, json })
      expectExecuted(first)
      expectReplay(await api.post('/test/short-lived', { key, json }), first)
      const before = statusOf(await api.get(`/idempotency-keys/${key}`))

      const second = await until(
        async () => {
          const response = await api.post('/test/short-lived', { key, json })
          return response.headers['idempotent-replayed'] === undefined && response
        },
        { what: 'the key expires', everyMs: 100 },
      )
      expectExecuted(second)
      expect(second.body).not.toBe(first.body)
      expectReplay(await api.post('/test/short-lived', { key, json }), second)
      const after = statusOf(await api.get(`/idempotency-keys/${key}`))
      expect({ before: before.generation, after: after.generation }).toEqual({ before: 1, after: 2 })
      expect(after.command_id).toBe(before.command_id)
      expect(Date.parse(after.accepted_at)).toBeGreaterThanOrEqual(Date.parse(before.expires_at ?? ''))
      expect((await server.events(commandIdIn(second))).map((event) => event.metadata['generation'])).toEqual([1, 2])
    })

    test('may name another request from then on; simultaneous retries are one effect', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/test/short-lived', { key, json: { label: 'first' } })
      expectExecuted(first)
      const other = { key, json: { label: 'other' } }
      expectProblem(await api.post('/test/short-lived', other), 'idempotency-key-reused')
      const responses = await until<readonly HttpResponse[] | undefined>(
        async () => {
          const answers = await Promise.all(Array.from({ length: 20 }, () => api.post('/test/short-lived', other)))
          const done = answers.filter((answer) => answer.status === 201)
          // The moment of expiry may lie between two of them.
          return done.length === 0 ? undefined : done
        },
        { what: 'the key expires', everyMs: 100 },
      )
      expect(new Set(responses.map((response) => response.body)).size).toBe(1)
      const events = await server.events(commandIdIn(first))
      expect(events.map((event) => event.data['label'])).toEqual(['first', 'other'])
    })

    test("`expired: 'gone'`: 410 instead, and the first outcome can still be looked up", async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const json = { label: 'gone' }
      const first = await api.post('/test/gone', { key, json })
      expectExecuted(first)
      expectReplay(await api.post('/test/gone', { key, json }), first)
      const late = await until(
        async () => {
          const response = await api.post('/test/gone', { key, json })
          return response.status !== 201 && response
        },
        { what: 'the key expires', everyMs: 100 },
      )
      expectProblem(late, 'idempotency-key-expired')
      expectProblem(await api.post('/test/gone', { key, json, prefer: 'respond-async' }), 'idempotency-key-expired')
      expectProblem(await api.post('/test/gone', { key, json: { label: 'other' } }), 'idempotency-key-reused')
      const status = statusOf(await api.get(`/idempotency-keys/${key}`))
      expect(status).toMatchObject({ generation: 1, state: 'succeeded', response: { body: first.body } })
      expect(await server.events(commandIdIn(first))).toHaveLength(1)
    })
  })
}
