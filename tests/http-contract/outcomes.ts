import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { internalDetail } from '../apps/commands/faulty.ts'
import { anOrder, commandIdIn, freshKey, jsonOf } from '../support/api.ts'
import {
  expectExecuted,
  expectProblem,
  expectProblemDocument,
  expectReplay,
  statusOf,
} from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** Outcomes that are no success: a business refusal, a definite failure. Both are recorded. */
export function describeOutcomes({ serve }: Contract): void {
  describe('a business refusal', () => {
    const tooMany = { product_id: 'abc', quantity: 2_000 }

    test('has the status that the command declares, and looks like every problem', async () => {
      const { api } = await serve('standard')
      const response = await api.post('/api/order', { key: freshKey(), json: tooMany })
      expect(response.status).toBe(409)
      const document = expectProblemDocument(response, 'quantity-too-large')
      expect(document).toMatchObject({ title: 'Quantity is too large', retryable: false, limit: 1_000 })
      expect(document.instance).toBe(response.headers['x-request-id'])
      expect(response.headers['idempotency-expires']).toBeDefined()
      expect(response.headers['retry-after'], 'a retry changes nothing').toBeUndefined()
    })

    test('is recorded: replayed byte for byte, and the corrected body needs a new key', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/api/order', { key, json: tooMany })
      expectReplay(await api.post('/api/order', { key, json: tooMany }), first)
      expectProblem(await api.post('/api/order', { key, json: anOrder }), 'idempotency-key-reused')
      expectReplay(await api.post('/api/order', { key, json: tooMany }), first)
      expect(statusOf(await api.get(`/idempotency-keys/${key}`))).toMatchObject({
        state: 'rejected',
        response: { status: 409, body: first.body },
      })
      expectExecuted(await api.post('/api/order', { key: freshKey(), json: anOrder }))
    })

    test('leaves no domain event', async () => {
      const { api, server } = await serve('standard')
      const response = await api.post('/api/order', { key: freshKey(), json: tooMany })
      const events = await server.events(commandIdIn(response))
      expect(events.map((event) => event.type)).toEqual(['CommandRejected'])
      expect(events[0]?.data).toMatchObject({ code: 'quantity-too-large', limit: 1_000 })
    })
  })

  describe('a definite failure', () => {
    test('after the last try: 500 command-failed, recorded and replayed', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const json = { label: 'x' }
      const first = await api.post('/test/failing', { key, json })
      expectProblem(first, 'command-failed')
      expect(first.headers['idempotency-expires']).toBeDefined()
      expectReplay(await api.post('/test/failing', { key, json }), first)
      const status = statusOf(await api.get(`/idempotency-keys/${key}`))
      expect(status).toMatchObject({ state: 'failed', attempts: 2, response: { status: 500, body: first.body } })
      const events = await server.events(commandIdIn(first))
      expect(events.map((event) => event.type)).toEqual(['CommandAccepted', 'AttemptFailed', 'CommandFailed'])
    })

    test.each([
      ['an answer that cannot be rendered', '/test/unrenderable', { label: 'x' }],
      ['a refusal that was not declared', '/test/undeclared-refusal', {}],
      ['a try that never ends', '/test/hanging', {}],
    ])('%s: the same, and no domain event stands without its answer', async (_what, path, json) => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const first = await api.post(path, { key, json })
      expectProblem(first, 'command-failed')
      expect(first.body, 'what is wrong inside').not.toMatch(/set-cookie|out-of-ink|TypeError|AttemptTimeout/)
      expectReplay(await api.post(path, { key, json }), first)
      const types = (await server.events(commandIdIn(first))).map((event) => event.type)
      expect(types.filter((type) => !/^(CommandAccepted|AttemptFailed|CommandFailed)$/.test(type))).toEqual([])
      expect(types.at(-1)).toBe('CommandFailed')
    })

    test('a try that fails is followed by another with the same id, time and random numbers', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/test/throwing-once', { key, json: { label: 'x' } })
      expectExecuted(first)
      const { first_try, second_try } = jsonOf(first)
      expect(second_try).toBe(first_try)
      expectReplay(await api.post('/test/throwing-once', { key, json: { label: 'x' } }), first)
      expect(statusOf(await api.get(`/idempotency-keys/${key}`))).toMatchObject({ state: 'succeeded', attempts: 2 })
    })

    test('never tells what went wrong inside; the log does, under the same request id', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const response = await api.post('/test/failing', { key, json: { label: 'x' } })
      const status = await api.get(`/idempotency-keys/${key}`)
      for (const { body, rawHeaders } of [response, status]) {
        expect(`${body}\n${rawHeaders.join('\n')}`).not.toContain(internalDetail)
        expect(body).not.toContain('10.1.2.3')
      }
      const requestId = response.headers['x-request-id']
      const lines = await until(
        () => {
          const found = server.logLines().filter((line) => line['reqId'] === requestId)
          return found.length >= 2 && found
        },
        { what: 'a line of the log for each try' },
      )
      for (const line of lines) expect(line['err']).toMatchObject({ message: internalDetail })
    })
  })

  describe('what the log may hold', () => {
    test('at the level `info` neither a key nor a body, whatever happens', async () => {
      const { api, server } = await serve('standard')
      const mark = `mark-${freshKey()}`
      const key = (part: string): string => `${mark}-key-${part}`
      const label = `${mark}-body`
      await api.post('/test/echo', { key: key('a'), json: { label } })
      await api.post('/test/echo', { key: key('a'), json: { label, other: true } })
      await api.post('/test/echo', { key: `${key('b')} ${mark}`, json: { label } })
      await api.post('/test/echo', { key: key('c'), text: `{"label":"${label}` })
      await api.post('/api/order', { key: key('d'), json: { product_id: label, quantity: 2_000 } })
      await api.post('/api/order', { key: key('e'), json: { product_id: label, quantity: label } })
      await api.call('PUT', `/api/orders/${mark}`, { json: { product_id: label, quantity: 1 } })
      await api.get(`/idempotency-keys/${key('a')}`)
      await api.post(`/${mark}`, { key: key('f'), json: { label } })
      const last = await api.post('/test/failing', { key: key('g'), json: { label } })
      await until(() => server.logLines().some((line) => line['reqId'] === last.headers['x-request-id']), {
        what: 'the log has caught up',
      })
      const found = server.logLines().filter((line) => JSON.stringify(line).includes(mark))
      expect(found).toEqual([])
    })
  })
}
