import { commandProgressSchema } from '@holdfast/contracts'
import type { HttpResponse } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey, jsonOf, type Api } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf, untilResolved } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** Waits until the gateway that took the first attempt has it in flight. */
const untilRunning = (api: Api, key: string): Promise<unknown> =>
  until(async () => (await api.get(`/idempotency-keys/${key}`, { gateway: 0 })).status === 200, { what: `${key} runs` })

/** Asserts a 202, whole. */
function expectAccepted(response: HttpResponse): void {
  expect(response.status, response.body).toBe(202)
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(response.headers['location']).toMatch(/^\/commands\/[0-9a-f]{64}$/)
  expect(response.headers['retry-after']).toMatch(/^\d+$/)
  expect(response.headers['idempotent-replayed']).toBeUndefined()
  expect(response.headers['idempotency-expires'], 'not known yet').toBeUndefined()
  const progress = commandProgressSchema.strict().parse(jsonOf(response))
  expect(progress.command_id).toBe(commandIdIn(response))
  expect(progress.state).toBe('accepted')
}

/** Attempts while the command runs: they wait, are told 202, or 409, as command and caller say. */
export function describeWaiting({ serve }: Contract): void {
  describe('a retry while the command runs', () => {
    test('attaches, and gets the outcome of the one that runs', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const json = { label: 'attach', ms: 1_000 }
      const first = api.post('/test/slow', { key, json, gateway: 0 })
      await untilRunning(api, key)
      const others = await Promise.all(Array.from({ length: 6 }, () => api.post('/test/slow', { key, json })))
      expectExecuted(await first)
      for (const other of others) expectReplay(other, await first)
    })

    test('with another body, or to another command: 422 at once, and the one that runs is not disturbed', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const json = { label: 'mine', ms: 1_000 }
      const first = api.post('/test/slow', { key, json, gateway: 0 })
      await untilRunning(api, key)
      const other = await api.post('/test/slow', { key, json: { label: 'yours', ms: 0 }, gateway: 0 })
      expectProblem(other, 'idempotency-key-reused')
      expectProblem(await api.post('/api/order', { key, json: anOrder, gateway: 0 }), 'idempotency-key-reused')
      const state = statusOf(await api.get(`/idempotency-keys/${key}`, { gateway: 0 })).state
      expect(['pending', 'accepted']).toContain(state)
      expectExecuted(await first)
      expectReplay(await api.post('/test/slow', { key, json }), await first)
    })

    test("`concurrent: 'conflict'`: 409 with Retry-After, which is not recorded", async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const json = { label: 'conflict', ms: 1_000 }
      const first = api.post('/test/slow-conflict', { key, json, gateway: 0 })
      await untilRunning(api, key)
      const second = await api.post('/test/slow-conflict', { key, json })
      expectProblem(second, 'command-in-progress')
      expect(second.headers['location']).toMatch(/^\/commands\/[0-9a-f]{64}$/)
      expectExecuted(await first)
      expectReplay(await api.post('/test/slow-conflict', { key, json }), await first)
    })
  })

  describe('a wait that ends before the command', () => {
    test('`Prefer: respond-async`: 202 at once; the outcome comes without another attempt', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const json = { label: 'async', ms: 500 }
      const accepted = await api.post('/test/slow', { key, json, prefer: 'respond-async' })
      expectAccepted(accepted)
      expect(accepted.headers['preference-applied']).toBe('respond-async')
      const location = accepted.headers['location'] ?? ''
      const unfinished = await api.get(location)
      expect(statusOf(unfinished).state).toBe('accepted')
      expect(unfinished.headers['retry-after']).toMatch(/^\d+$/)

      const status = await untilResolved(api, location)
      expect(status).toMatchObject({ state: 'succeeded', command: 'test.slow', attempts: 1, generation: 1 })
      expect(await untilResolved(api, `/idempotency-keys/${key}`)).toEqual(status)
      const retry = await api.post('/test/slow', { key, json })
      expect(retry.headers['idempotent-replayed']).toBe('true')
      expect({ status: retry.status, body: retry.body }).toEqual({ status: 201, body: status.response?.body })
    })

    test('`Prefer: wait`: 202 when it has passed, and a longer wait gets the outcome', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const json = { label: 'wait', ms: 2_000 }
      const accepted = await api.post('/test/slow', { key, json, prefer: 'wait=1' })
      expectAccepted(accepted)
      expect(accepted.headers['preference-applied']).toBe('wait=1')
      const retry = await api.post('/test/slow', { key, json, prefer: 'wait=30' })
      expect(retry.status).toBe(201)
      expect(retry.headers['preference-applied']).toBe('wait=30')
      expect(retry.headers['idempotent-replayed']).toBe('true')
      expect(statusOf(await api.get(accepted.headers['location'] ?? '')).response?.body).toBe(retry.body)
    })

    test('the default wait is that of HOLDFAST_WAIT_MS', async () => {
      const { api } = await serve('tight')
      const key = freshKey()
      const json = { label: 'default', ms: 1_000 }
      const accepted = await api.post('/test/slow', { key, json })
      expectAccepted(accepted)
      expect(accepted.headers['preference-applied']).toBeUndefined()
      const attached = await api.post('/test/slow', { key, json })
      expectAccepted(attached)
      expect(attached.headers['location']).toBe(accepted.headers['location'])
      expect(await untilResolved(api, accepted.headers['location'] ?? '')).toMatchObject({ state: 'succeeded' })
    })

    test.each([
      ['wait=90', 'wait=60'],
      ['wait="20"', 'wait=20'],
      ['wait=20, wait=1', 'wait=20'],
      ['return=minimal, WAIT=20', 'wait=20'],
      ['x="a, respond-async", wait=20', 'wait=20'],
      ['wait=soon', undefined],
      ['wait=-1', undefined],
      ['handling=lenient', undefined],
    ])('`Prefer: %s` is applied as %s', async (prefer, applied) => {
      const { api } = await serve('standard')
      const response = await api.post('/api/order', { key: freshKey(), json: anOrder, prefer })
      expectExecuted(response)
      expect(response.headers['preference-applied']).toBe(applied)
    })

    test('`respond-async` beside a wait wins, and a pure command that is done at once is told by a 202 too', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const accepted = await api.post('/api/order', { key, json: anOrder, prefer: 'wait=20, respond-async' })
      expectAccepted(accepted)
      expect(accepted.headers['preference-applied']).toBe('respond-async')
      const status = await untilResolved(api, accepted.headers['location'] ?? '')
      expect((await api.post('/api/order', { key, json: anOrder })).body).toBe(status.response?.body)
    })

    test('`respond-async` after completion gets the recorded response: a retry never learns less', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/api/order', { key, json: anOrder })
      const retry = await api.post('/api/order', { key, json: anOrder, prefer: 'respond-async' })
      expectExecuted(first)
      expect(retry.status).toBe(201)
      expect(retry.bytes.equals(first.bytes)).toBe(true)
      expect(retry.headers['idempotent-replayed']).toBe('true')
    })

    test('`respond-async` with another body is refused, not accepted', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      expectExecuted(await api.post('/api/order', { key, json: anOrder }))
      const other = { ...anOrder, quantity: 3 }
      const response = await api.post('/api/order', { key, json: other, prefer: 'respond-async' })
      expectProblem(response, 'idempotency-key-reused')
    })
  })
}
