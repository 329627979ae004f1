import { cutAfterSend, cutDuringRead, cutWhileSending, requestBytes } from '@holdfast/testing/http'
import { describe, expect, test } from 'vitest'
import { anOrder, freshKey } from '../support/api.ts'
import { expectExecuted, expectProblem, untilResolved } from '../support/expectations.ts'
import { expectOneEffect, outcomesOf } from './one-effect.ts'
import type { RogueTarget } from './suite.ts'

/** Connections that break: the work goes on, and the retry gets its answer. */
export function describeCutConnections({ server, api }: RogueTarget): void {
  describe('an acknowledged command is never lost, nor one that nobody heard the answer of', () => {
    test('the socket is cut after the request was sent: the command is done without a retry, which then replays', async () => {
      for (let round = 0; round < 10; round++) {
        const key = freshKey()
        await cutAfterSend(api().request('POST', '/api/order', { key, json: anOrder }))
        const status = await untilResolved(api(), `/idempotency-keys/${key}`)
        const retry = await api().post('/api/order', { key, json: anOrder })
        expect(retry.body).toBe(status.response?.body)
        await expectOneEffect(server(), [retry], 0)
      }
    })

    test('the socket is cut while the command runs: the retry attaches to it', async () => {
      const key = freshKey()
      const json = { label: 'cut', ms: 1_000 }
      await cutAfterSend(api().request('POST', '/test/slow', { key, json }))
      const retries = await Promise.all(Array.from({ length: 5 }, () => api().post('/test/slow', { key, json })))
      for (const retry of retries) expect(retry.status).toBe(201)
      expect(new Set(retries.map((retry) => retry.body)).size).toBe(1)
      const { attempts, generation, command_id } = await untilResolved(api(), `/idempotency-keys/${key}`)
      expect({ attempts, generation, outcomes: await outcomesOf(server(), command_id) }).toEqual({
        attempts: 1,
        generation: 1,
        outcomes: 1,
      })
    })

    test('the socket is cut while the answer is read: the retry gets all of it', async () => {
      for (let round = 0; round < 5; round++) {
        const key = freshKey()
        const json = { bytes: 1_000_000 }
        const seen = await cutDuringRead(api().request('POST', '/test/large', { key, json }))
        expect(seen).toBeGreaterThan(0)
        const retry = await api().post('/test/large', { key, json })
        expect(retry.bytes.length).toBeGreaterThan(json.bytes)
        expect(seen).toBeLessThan(retry.bytes.length)
        const status = await untilResolved(api(), `/idempotency-keys/${key}`)
        expect(retry.body === status.response?.body, 'the recorded bytes').toBe(true)
        await expectOneEffect(server(), [retry], 0)
      }
    })

    test('the socket is cut while the request is sent: nothing is executed, and the key stays free', async () => {
      const sample = requestBytes(api().request('POST', '/api/order', { key: freshKey(), json: anOrder }))
      for (let bytes = 1; bytes < sample.length; bytes += 29) {
        const key = freshKey()
        await cutWhileSending(api().request('POST', '/api/order', { key, json: anOrder }), bytes)
        expectProblem(await api().get(`/idempotency-keys/${key}`), 'idempotency-key-not-found')
        expectExecuted(await api().post('/api/order', { key, json: anOrder }))
      }
    })

    test('a storm in which every second caller hangs up: one effect', async () => {
      const key = freshKey()
      const attempts = Array.from({ length: 100 }, async (_, at) => {
        if (at % 2 === 1) return api().post('/api/order', { key, json: anOrder })
        await cutAfterSend(api().request('POST', '/api/order', { key, json: anOrder }))
        return undefined
      })
      const responses = (await Promise.all(attempts)).filter((response) => response !== undefined)
      expect(responses).toHaveLength(50)
      expect(new Set(responses.map((response) => `${response.status} ${response.body}`)).size).toBe(1)
      const { command_id } = await untilResolved(api(), `/idempotency-keys/${key}`)
      expect(await outcomesOf(server(), command_id)).toBe(1)
    })
  })
}
