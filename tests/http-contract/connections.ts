import { once } from 'node:events'
import { parseAnswers, requestBytes, sendRaw } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, freshKey, jsonOf, type Api, type CallOptions } from '../support/api.ts'
import { connectTo } from '../support/connection.ts'
import { expectExecuted, expectProblem, expectReplay } from '../support/expectations.ts'
import { readMetrics } from '../support/metrics.ts'
import type { Contract } from './contract.ts'

const orderBytes = (api: Api, options: CallOptions): Buffer =>
  requestBytes(api.request('POST', '/api/order', { json: anOrder, gateway: 0, ...options }))

const closing = { connection: 'close' } as const

/** One connection with several requests, and requests in pieces: a client may send its bytes as it likes. */
export function describeConnections({ serve }: Contract): void {
  describe('connections', () => {
    test('an attempt has the same answer, header for header, whatever else its request carries', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      expectExecuted(await api.post('/test/declaring', { key, json: { label: 'blue' } }), 200)
      const headers: readonly Record<string, string>[] = [{}, { te: 'trailers' }, { origin: 'https://a.example' }]
      const replays = await Promise.all(
        headers.map((more) => api.post('/test/declaring', { key, json: { label: 'blue' }, headers: more })),
      )
      const own = new Set(['date', 'x-request-id'])
      const [first, ...others] = replays.map((replay) => ({
        status: replay.status,
        body: replay.body,
        headers: Object.entries(replay.headers)
          .filter(([name]) => !own.has(name))
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      }))
      for (const other of others) expect(other).toEqual(first)
      for (const { headers: seen } of replays) expect(seen['date']).toMatch(/^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/)
    })

    test('requests one after the other, commands and others in turn, each with its own answer', async () => {
      const { api } = await serve('standard')
      using connection = await connectTo(api.urls[0])
      const ask = (bytes: Uint8Array) => connection.ask(bytes)
      const keys = [freshKey(), freshKey(), freshKey()]
      for (const key of keys) {
        const first = await ask(orderBytes(api, { key }))
        expectExecuted(first)
        expectReplay(await ask(orderBytes(api, { key })), first)
        expectProblem(await ask(orderBytes(api, { key, json: { ...anOrder, quantity: 3 } })), 'idempotency-key-reused')
        expectProblem(await ask(orderBytes(api, { key: 'a b' })), 'idempotency-key-invalid')
        const looked = await ask(requestBytes(api.request('GET', `/idempotency-keys/${key}`, { gateway: 0 })))
        expect(looked.status).toBe(200)
        expectReplay(await ask(orderBytes(api, { key })), first)
      }
    })

    test('pipelined requests are answered in their order', async () => {
      const { api } = await serve('standard')
      const keys = Array.from({ length: 8 }, freshKey)
      const bytes = keys.map((key, at) => orderBytes(api, { key, ...(at === 7 && { headers: closing }) }))
      const { bytes: received, closed } = await sendRaw({ url: api.urls[0] ?? '', bytes: [Buffer.concat(bytes)] })
      expect(closed).toBe(true)
      const answers = parseAnswers(received)
      expect(answers.map(({ headers }) => headers['idempotency-key'])).toEqual(keys)
      for (const answer of answers) expectExecuted(answer)
    })

    test('a request that comes while the one before runs is answered behind it', async () => {
      const { api } = await serve('standard')
      using connection = await connectTo(api.urls[0])
      const { socket, answers } = connection
      const keys = { slow: freshKey(), next: freshKey(), last: freshKey() }
      const slow = { key: keys.slow, json: { label: 'x', ms: 700 }, gateway: 0 }
      socket.write(requestBytes(api.request('POST', '/test/slow', slow)))
      const isKnown = async () => (await api.get(`/idempotency-keys/${keys.slow}`, { gateway: 0 })).status === 200
      await until(isKnown, { what: 'the command runs' })
      socket.write(orderBytes(api, { key: keys.next }))
      socket.write(orderBytes(api, { key: keys.last, headers: closing }))
      await once(socket, 'close')
      for (const answer of answers()) expectExecuted(answer)
      expect(answers().map(({ headers }) => headers['idempotency-key'])).toEqual([keys.slow, keys.next, keys.last])
    })

    test.each([2, 3, 10])('a request in %i pieces is one request', async (pieces) => {
      const { api } = await serve('standard')
      const key = freshKey()
      const bytes = orderBytes(api, { key, headers: closing })
      // Head and body apart, as many clients send them.
      const bodyAt = bytes.indexOf('\r\n\r\n') + 4
      const cuts =
        pieces === 2
          ? [bodyAt]
          : Array.from({ length: pieces - 1 }, (_none, at) => Math.ceil(((at + 1) * bytes.length) / pieces))
      const parts = [...cuts, bytes.length].map((end, at) => bytes.subarray(cuts[at - 1] ?? 0, end))
      async function* slowly(): AsyncGenerator<Uint8Array> {
        for (const part of parts) {
          yield part
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
      const { bytes: received, closed } = await sendRaw({ url: api.urls[0] ?? '', bytes: slowly() })
      expect(closed).toBe(true)
      const [answer, ...others] = parseAnswers(received)
      expect(others).toEqual([])
      if (answer !== undefined) expectExecuted(answer)
      expect(answer?.headers['connection']).toBe('close')
    })

    test('a body that comes long after its head is waited for', async () => {
      const { api } = await serve('standard')
      const bytes = orderBytes(api, { key: freshKey(), headers: closing })
      async function* late(): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, -4)
        await new Promise((resolve) => setTimeout(resolve, 400))
        yield bytes.subarray(-4)
      }
      const { bytes: received } = await sendRaw({ url: api.urls[0] ?? '', bytes: late() })
      expect(parseAnswers(received).map(({ status }) => status)).toEqual([201])
    })

    test('a connection that ends within a request is told so, and nothing is executed', async () => {
      const { api } = await serve('tight')
      const key = freshKey()
      using connection = await connectTo(api.urls[0])
      const { socket, answers } = connection
      socket.end(orderBytes(api, { key }).subarray(0, -4))
      await once(socket, 'close')
      expect(answers()).toHaveLength(1)
      for (const answer of answers()) expectProblem(answer, 'request-malformed')
      expectProblem(await api.get(`/idempotency-keys/${key}`), 'idempotency-key-not-found')
    })

    test('a caller that goes away while the command runs loses nothing: the retry gets the outcome', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const request = { key, json: { label: 'x', ms: 500 }, gateway: 0 }
      const { socket } = await connectTo(api.urls[0])
      socket.write(requestBytes(api.request('POST', '/test/slow', request)))
      const isKnown = async () => (await api.get(`/idempotency-keys/${key}`, { gateway: 0 })).status === 200
      await until(isKnown, { what: 'the command runs' })
      socket.resetAndDestroy()
      const retry = await api.post('/test/slow', request)
      expect(retry.status).toBe(201)
      expect(retry.headers['idempotent-replayed']).toBe('true')
    })

    test('whoever does not read his answers is not asked for more requests', async () => {
      const { api, server } = await serve('standard')
      const key = freshKey()
      const json = { bytes: 600_000 }
      const first = await api.post('/test/large', { key, json, gateway: 0 })
      expectExecuted(first)
      const bytes = requestBytes(api.request('POST', '/test/large', { key, json, gateway: 0 }))
      const attempts = async () => (await readMetrics(server))('holdfast_attempts_total', { command: 'test.large' })
      const before = await attempts()
      using connection = await connectTo(api.urls[0])
      const { socket, answers } = connection
      socket.pause()
      const count = 200
      // Each when the one before was surely taken, or nothing is taken any more: the socket's buffers are full.
      let sent = 0
      for (; sent < count; sent++) {
        socket.write(bytes)
        const isTaken = until(async () => (await attempts()) - before > sent, { what: 'it is taken', timeoutMs: 1_000 })
        if (!(await isTaken.catch(() => false))) break
      }
      expect(sent, 'requests that were taken before anything was read').toBeLessThan(count / 2)
      socket.resume()
      await until(() => answers().length > sent, { what: 'all answers', everyMs: 100 })
      for (const answer of answers()) expectReplay(answer, first)
    })

    test('text that is not ASCII goes out whole, behind headers that are not ASCII either', async () => {
      const { api } = await serve('standard')
      const json = { label: 'größer als ₤', list: ['😀', 'é'] }
      const answer = await api.post('/test/echo', { key: freshKey(), json })
      expectExecuted(answer)
      expect(jsonOf(answer)['input']).toEqual(json)
      const declared = await api.post('/test/declaring', { key: freshKey(), json: { label: 'größer' } })
      expectExecuted(declared, 200)
      expect(declared.headers['x-label']).toBe('größer')
      expect(jsonOf(declared)['label']).toBe('größer')
    })
  })
}
