import { setTimeout as pause } from 'node:timers/promises'
import { parseAnswers, requestBytes, send, sendRaw } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'
import { afterEach, describe, expect, test } from 'vitest'
import { anOrder, freshKey, type Api } from '../support/api.ts'
import { connectTo } from '../support/connection.ts'
import { expectExecuted, expectProblem, expectReplay } from '../support/expectations.ts'
import { readMetrics } from '../support/metrics.ts'
import type { Contract } from './contract.ts'
import { tight } from './profiles.ts'

const place = (api: Api, gateway: number) => api.post('/api/order', { key: freshKey(), json: anOrder, gateway })

/** Requests that are too large, too slow, too many, or not HTTP at all; and a working server afterwards. */
export function describeLimits({ serve }: Contract): void {
  describe('limits', () => {
    afterEach(async () => {
      const { api } = await serve('tight')
      for (const gateway of api.urls.keys()) expectExecuted(await place(api, gateway))
    })

    describe('size', () => {
      const orderOf = (bytes: number): string => {
        const frame = JSON.stringify({ product_id: 'abc', quantity: 2 })
        return `${' '.repeat(bytes - frame.length)}${frame}`
      }

      test('a body at the limit is taken, one byte more is 413, and the key stays free', async () => {
        const { api } = await serve('tight')
        const key = freshKey()
        expectProblem(await api.post('/api/order', { key, text: orderOf(tight.maxBodyBytes + 1) }), 'body-too-large')
        expectExecuted(await api.post('/api/order', { key, text: orderOf(tight.maxBodyBytes) }))
      })

      test('a chunked body beyond the limit: 413', async () => {
        const { api } = await serve('tight')
        const [url = ''] = api.urls
        const head = `POST /api/order HTTP/1.1\r\nhost: x\r\nidempotency-key: ${freshKey()}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`
        const chunk = `400\r\n${' '.repeat(0x400)}\r\n`
        const { bytes, closed } = await sendRaw({ url, bytes: [head, chunk.repeat(4), '0\r\n\r\n'] })
        expect(closed).toBe(true)
        expectProblem(parseAnswers(bytes)[0] ?? (await place(api, 0)), 'body-too-large')
      })

      test('headers beyond 16 KiB: 431', async () => {
        const { api } = await serve('tight')
        const headers = { 'x-filler': 'x'.repeat(20_000) }
        expectProblem(await api.post('/api/order', { key: freshKey(), json: anOrder, headers }), 'headers-too-large')
      })
    })

    describe('time', () => {
      test('a body that does not arrive in time: 408 and a closed socket, and the key stays free', async () => {
        const { api } = await serve('tight')
        const key = freshKey()
        const request = requestBytes(api.request('POST', '/api/order', { key, json: anOrder, gateway: 0 }))
        const { bytes, closed } = await sendRaw({ url: api.urls[0] ?? '', bytes: request.subarray(0, -5) })
        expect(closed).toBe(true)
        const [answer] = parseAnswers(bytes)
        if (answer !== undefined) expectProblem(answer, 'request-timeout')
        expect(answer, 'an answer').toBeDefined()
        expectExecuted(await api.post('/api/order', { key, json: anOrder }))
      })

      test('a body that trickles in, byte by byte, is cut off all the same', async () => {
        const { api } = await serve('tight')
        const head = requestBytes(api.request('POST', '/api/order', { key: freshKey(), gateway: 0 })).toString('latin1')
        async function* trickle(): AsyncGenerator<string> {
          yield head.replace('\r\n\r\n', '\r\ncontent-type: application/json\r\ncontent-length: 2000\r\n\r\n')
          for (let at = 0; at < 2_000; at++) {
            yield ' '
            await new Promise((resolve) => setTimeout(resolve, 50))
          }
        }
        const { closed } = await sendRaw({ url: api.urls[0] ?? '', bytes: trickle() })
        expect(closed).toBe(true)
      })

      test('headers that do not arrive in time: 408 and a closed socket', async () => {
        const { api } = await serve('tight')
        const bytes = 'POST /api/order HTTP/1.1\r\nhost: x\r\nidempotency-key: a'
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes })
        expect(answer.closed).toBe(true)
        expect(parseAnswers(answer.bytes).map((response) => response.status)).toEqual([408])
      })

      test('a connection on which nothing is sent is closed', async () => {
        const { api } = await serve('tight')
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes: '' })
        expect(answer.closed).toBe(true)
      })

      test('a kept-alive connection without a further request is closed', async () => {
        const { api } = await serve('tight')
        const request = requestBytes(api.request('POST', '/api/order', { key: freshKey(), json: anOrder, gateway: 0 }))
        const { bytes, closed } = await sendRaw({ url: api.urls[0] ?? '', bytes: request })
        expect(closed).toBe(true)
        const answers = parseAnswers(bytes)
        expect(answers.map((answer) => answer.status)).toEqual([201])
      })

      test('a kept-alive connection is kept longer than a request may take to arrive', async () => {
        const { api } = await serve('tight')
        using connection = await connectTo(api.urls[0])
        for (const key of [freshKey(), freshKey()]) {
          const request = requestBytes(api.request('POST', '/api/order', { key, json: anOrder, gateway: 0 }))
          expectExecuted(await connection.ask(request))
          await pause(tight.bodyTimeoutMs + 100)
        }
        expect(connection.socket.closed).toBe(false)
      })

      test('sockets that send nothing do not keep others from being served', async () => {
        const { api } = await serve('tight')
        const [url = ''] = api.urls
        const idle = Array.from({ length: 50 }, () => sendRaw({ url, bytes: 'POST /' }))
        expectExecuted(await place(api, 0))
        for (const { closed } of await Promise.all(idle)) expect(closed).toBe(true)
      })
    })

    describe('bytes that are not HTTP', () => {
      test.each<[string, string | Uint8Array]>([
        ['garbage', Buffer.from(Array.from({ length: 512 }, (_, at) => (at * 73 + 11) % 256))],
        ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex')],
        ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
        ['an unknown method', 'BREW /api/order HTTP/1.1\r\nhost: x\r\n\r\n'],
        ['an unknown version', 'GET /livez HTTP/9.9\r\nhost: x\r\n\r\n'],
        ['no host', 'GET /livez HTTP/1.1\r\n\r\n'],
        ['two hosts', 'GET /livez HTTP/1.1\r\nhost: x\r\nHost: x\r\n\r\n'],
        ['a header without a name', 'GET /livez HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n'],
        ['NUL in a header', 'GET /livez HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n'],
        ['two lengths', 'POST /api/order HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
        ['a negative length', 'POST /api/order HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n'],
        [
          'length and chunks',
          'POST /api/order HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
        ],
        [
          'a chunk size that is none',
          'POST /api/order HTTP/1.1\r\nhost: x\r\nidempotency-key: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
        ],
        ['a folded header', 'GET /livez HTTP/1.1\r\nhost: x\r\nx: a\r\n b\r\n\r\n'],
      ])('%s: a problem document or nothing, and a closed socket', async (_what, bytes) => {
        const { api } = await serve('tight')
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes })
        expect(answer.closed).toBe(true)
        for (const response of parseAnswers(answer.bytes)) expectProblem(response, 'request-malformed')
      })

      test('a pipelined request behind a broken one is not executed', async () => {
        const { api } = await serve('tight')
        const key = freshKey()
        const good = requestBytes(api.request('POST', '/api/order', { key, json: anOrder, gateway: 0 }))
        const bytes = Buffer.concat([Buffer.from('GET /livez HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n'), good])
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes })
        expect(answer.closed).toBe(true)
        expectProblem(await api.get(`/idempotency-keys/${key}`), 'idempotency-key-not-found')
      })
    })

    describe('bytes that are not HTTP, behind a request that is under way', () => {
      test('a command is never told another answer than its own, and the retry gets the outcome', async () => {
        const { api } = await serve('tight')
        const key = freshKey()
        const running = { key, json: { label: 'pipelined', ms: 1_000 }, prefer: 'wait=30', gateway: 0 }
        async function* bytes(): AsyncGenerator<string | Uint8Array> {
          yield requestBytes(api.request('POST', '/test/slow', running))
          const isKnown = async () => (await api.get(`/idempotency-keys/${key}`, { gateway: 0 })).status === 200
          await until(isKnown, { what: 'the command runs' })
          yield 'GARBAGE\r\n\r\n'
        }
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes: bytes() })
        expect(answer.closed).toBe(true)
        const retry = await api.post('/test/slow', running)
        expect(retry.status).toBe(201)
        expect(retry.headers['idempotent-replayed']).toBe('true')
        // None, or its own, and behind it what is said of the bytes that are not HTTP.
        const [own, ofTheOthers, ...none] = parseAnswers(answer.bytes)
        expect(none).toEqual([])
        if (own !== undefined) {
          expectExecuted(own)
          expectReplay(retry, own)
          if (ofTheOthers !== undefined) expectProblem(ofTheOthers, 'request-malformed')
        }
      })

      test('nor when the broken body is that of the next request, or when that one is too slow', async () => {
        const { api } = await serve('tight')
        const head = 'POST /api/order HTTP/1.1\r\nhost: x\r\nidempotency-key: a\r\ncontent-type: application/json\r\n'
        for (const next of [`${head}transfer-encoding: chunked\r\n\r\nzz\r\n`, `${head}content-length: 9\r\n\r\n{`]) {
          const running = { key: freshKey(), json: { label: 'pipelined', ms: 3_000 }, prefer: 'wait=30', gateway: 0 }
          const bytes = Buffer.concat([
            requestBytes(api.request('POST', '/test/slow', running)),
            Buffer.from(next, 'latin1'),
          ])
          const answer = await sendRaw({ url: api.urls[0] ?? '', bytes })
          expect(answer.closed).toBe(true)
          expect(parseAnswers(answer.bytes)).toEqual([])
          expect((await api.post('/test/slow', running)).status).toBe(201)
        }
      })

      test('a request that has its answer keeps it', async () => {
        const { api } = await serve('tight')
        const live = requestBytes(api.request('GET', '/livez', { gateway: 0 }))
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes: [live, 'GET /'] })
        expect(answer.closed).toBe(true)
        expect(parseAnswers(answer.bytes).map((response) => response.status)).toEqual([200, 408])
      })

      test('a request that was answered before its body came is not answered twice', async () => {
        const { api } = await serve('tight')
        const bytes =
          'POST /api/order HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{'
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes })
        expect(answer.closed).toBe(true)
        const answers = parseAnswers(answer.bytes)
        expect(answers.map((response) => response.status)).toEqual([400])
      })

      test('a stream of results breaks off, and nothing is written into it', async () => {
        const { api } = await serve('tight')
        const request = requestBytes(api.request('GET', '/results', { gateway: 0 }))
        const answer = await sendRaw({ url: api.urls[0] ?? '', bytes: [request, 'GARBAGE\r\n\r\n'] })
        expect(answer.closed).toBe(true)
        expect(answer.bytes.toString('latin1').match(/HTTP\/1\.1 \d+/g) ?? []).not.toContain('HTTP/1.1 400')
      })
    })

    describe('too many at one time', () => {
      test('503 overloaded with Retry-After beyond HOLDFAST_MAX_IN_FLIGHT; nothing of it is recorded', async () => {
        const { api, server } = await serve('tight')
        const running = Array.from({ length: tight.maxInFlight }, (_, at) =>
          api.post('/test/slow', {
            key: freshKey(),
            json: { label: String(at), ms: 1_500 },
            prefer: 'wait=10',
            gateway: 0,
          }),
        )
        await until(async () => (await readMetrics(server))('holdfast_requests_in_flight') === tight.maxInFlight, {
          what: 'all of them run',
        })
        const key = freshKey()
        const refused = await api.post('/api/order', { key, json: anOrder, gateway: 0 })
        expectProblem(refused, 'overloaded')
        // Whoever watches the gateway must still get through.
        const [url = ''] = api.urls
        for (const path of ['/livez', '/readyz', '/metrics']) expect((await send({ url, path })).status).toBe(200)
        for (const response of await Promise.all(running)) expectExecuted(response)
        expectProblem(await api.get(`/idempotency-keys/${key}`), 'idempotency-key-not-found')
        expectExecuted(await api.post('/api/order', { key, json: anOrder, gateway: 0 }))
      })
    })
  })
}
