import { setTimeout as pause } from 'node:timers/promises'
import { requestBytes, send } from '@holdfast/testing/http'
import { temporaryFolder, until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, createApi, freshKey } from '../support/api.ts'
import { connectTo } from '../support/connection.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { expectExecuted, statusOf, untilResolved } from '../support/expectations.ts'
import { apps } from '../support/paths.ts'
import { randomFrom, testSeed } from '../support/random.ts'
import { recordedResponses } from './recorded-responses.ts'
import { lateBody } from './late-body.ts'
import { startStorm } from './storm.ts'
import { createWitness, expectNothingLost } from './witness.ts'

/** Waits until the process answers so many attempts at one time. */
const untilInFlight = (url: string, count: number): Promise<unknown> =>
  until(
    async () => {
      const { body } = await send({ url, path: '/metrics' })
      return body.includes(`holdfast_requests_in_flight ${count}\n`)
    },
    { what: `${count} requests in flight` },
  )

describe('a shutdown in order (SIGTERM)', () => {
  test('what is in flight is answered before the process ends', async () => {
    await using folder = await temporaryFolder()
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const api = createApi([service.url])
    const running = Array.from({ length: 10 }, (_, at) =>
      api.post('/test/slow', { key: freshKey(), json: { label: String(at), ms: 1_500 } }),
    )
    await untilInFlight(service.url, 10)
    service.kill('SIGTERM')
    for (const answer of await Promise.all(running)) {
      expectExecuted(answer)
      expect(answer.headers['connection']).toBe('close')
    }
    expect(await service.exited).toEqual({ code: 0, signal: null })
  })

  test('what takes longer than HOLDFAST_DRAIN_MS is answered 202, and finished at the next start', async () => {
    await using folder = await temporaryFolder()
    const keys = Array.from({ length: 10 }, freshKey)
    const json = { label: 'long', ms: 2_500 }
    {
      const env = { HOLDFAST_DRAIN_MS: '300' }
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path, env })
      const api = createApi([service.url])
      const running = keys.map((key) => api.post('/test/slow', { key, json, prefer: 'wait=60' }))
      await untilInFlight(service.url, keys.length)
      service.kill('SIGTERM')
      for (const answer of await Promise.all(running)) {
        expect(answer.status, answer.body).toBe(202)
        expect(answer.headers['retry-after']).toMatch(/^\d+$/)
      }
      expect(await service.exited).toEqual({ code: 0, signal: null })
    }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const api = createApi([service.url])
    for (const key of keys) {
      expect(await untilResolved(api, `/idempotency-keys/${key}`)).toMatchObject({ state: 'succeeded', generation: 1 })
    }
    const recorded = await recordedResponses(folder.path)
    for (const key of keys) expect(recorded.get(key)).toHaveLength(1)
  })

  test('on a connection that is kept, a new key gets 503 with Retry-After and is not executed', async () => {
    await using folder = await temporaryFolder()
    const keys = { running: freshKey(), late: freshKey() }
    const json = { label: 'long', ms: 1_500 }
    {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const api = createApi([service.url])
      const first = api.post('/test/slow', { key: keys.running, json })
      await untilInFlight(service.url, 1)
      // The second request is on its way before the signal: its head has arrived, its body comes later.
      const late = lateBody(service.url, keys.late)
      await late.started
      service.kill('SIGTERM')
      await service.log.line((line) => line['msg'] === 'stopping', { what: 'it is stopping' })
      late.finish()
      const refused = await late.answer
      expect(refused).toMatch(/^HTTP\/1\.1 503 /)
      expect(refused.toLowerCase()).toContain('\r\nretry-after: ')
      expect(refused.toLowerCase()).toContain('\r\nconnection: close')
      expectExecuted(await first)
      expect((await service.exited).code).toBe(0)
    }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const api = createApi([service.url])
    expect((await api.get(`/idempotency-keys/${keys.late}`)).status).toBe(404)
    expect(statusOf(await api.get(`/idempotency-keys/${keys.running}`)).state).toBe('succeeded')
  })

  test('kept connections: a request on one of them is answered, and told to close it; idle ones hold nothing up', async () => {
    await using folder = await temporaryFolder()
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const api = createApi([service.url])
    const order = (key: string): Uint8Array => requestBytes(api.request('POST', '/api/order', { key, json: anOrder }))
    const connections = await Promise.all(Array.from({ length: 4 }, () => connectTo(service.url)))
    const [running, late, idle, unused] = connections
    if (running === undefined || late === undefined || idle === undefined || unused === undefined) throw new Error()
    for (const connection of [running, late, idle]) {
      const answer = await connection.ask(order(freshKey()))
      expectExecuted(answer)
      expect(answer.headers['connection']).toBe('keep-alive')
    }
    const slow = { key: freshKey(), json: { label: 'x', ms: 700 } }
    const answered = running.ask(requestBytes(api.request('POST', '/test/slow', slow)))
    await untilInFlight(service.url, 1)
    service.kill('SIGTERM')
    await service.log.line((line) => line['msg'] === 'stopping', { what: 'it is stopping' })
    const refused = await late.ask(order(freshKey()))
    expect(refused.status).toBe(503)
    expect(refused.headers).toMatchObject({ connection: 'close', 'retry-after': '1' })
    const last = await answered
    expectExecuted(last)
    expect(last.headers['connection']).toBe('close')
    expect(await service.exited).toEqual({ code: 0, signal: null })
    for (const { socket } of connections) await until(() => socket.closed, { what: 'it is closed' })
    expect(idle.answers()).toHaveLength(1)
    expect(unused.answers()).toEqual([])
  })

  test('callers that do not read, and bodies that do not come, do not keep it from ending', async () => {
    await using folder = await temporaryFolder()
    const env = { HOLDFAST_DRAIN_MS: '300' }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path, env })
    const api = createApi([service.url])
    const large = { key: freshKey(), json: { bytes: 600_000 } }
    expectExecuted(await api.post('/test/large', large))
    // One way of each is read from the socket, the other by Node's server.
    for (const headers of [{}, { te: 'trailers' }]) {
      const { socket } = await connectTo(service.url)
      socket.pause()
      for (let n = 0; n < 20; n++) {
        socket.write(requestBytes(api.request('POST', '/test/large', { ...large, headers })))
        await pause(20)
      }
      const half = await connectTo(service.url)
      const bytes = requestBytes(api.request('POST', '/api/order', { key: freshKey(), json: anOrder, headers }))
      half.socket.write(bytes.subarray(0, -4))
    }
    service.kill('SIGTERM')
    expect(await service.exited).toEqual({ code: 0, signal: null })
  })

  test('in the middle of a storm: every answer is an outcome, 202 or 503, and nothing is lost', async () => {
    await using folder = await temporaryFolder()
    const random = randomFrom(testSeed)
    for (let round = 0; round < 2; round++) {
      const witness = createWitness()
      {
        const env = { HOLDFAST_DRAIN_MS: '200' }
        await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path, env })
        const storm = startStorm({ api: createApi([service.url]), witness, random, clients: 20 })
        await pause(200 + random() * 200)
        service.kill('SIGTERM')
        // The clients go on until they cannot connect any more.
        expect(await service.exited).toEqual({ code: 0, signal: null })
        await storm.stop()
      }
      expect([...witness.broken], 'connections that got no answer').toEqual([])
      expect(witness.unanswered.size, 'clients that were told 503').toBeGreaterThan(0)
      expect(witness.outcomes.size).toBeGreaterThan(0)
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      await expectNothingLost(createApi([service.url]), witness)
    }
    for (const [key, bodies] of await recordedResponses(folder.path)) expect(bodies, key).toHaveLength(1)
  })

  test('a second signal ends it at once, and a shutdown that is idle takes no time to speak of', async () => {
    await using folder = await temporaryFolder()
    {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const api = createApi([service.url])
      const key = freshKey()
      const hanging = api
        .post('/test/slow', { key, json: { label: 'x', ms: 30_000 }, prefer: 'wait=60' })
        .catch(() => undefined)
      await untilInFlight(service.url, 1)
      service.kill('SIGTERM')
      await service.log.line((line) => line['msg'] === 'stopping', { what: 'it is stopping' })
      service.kill('SIGTERM')
      expect((await service.exited).code).toBe(130)
      await hanging
    }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    expectExecuted(await createApi([service.url]).post('/api/order', { key: freshKey(), json: anOrder }))
    service.kill('SIGTERM')
    expect(await service.exited).toEqual({ code: 0, signal: null })
  })
})
