import { problemSchema } from '@holdfast/contracts'
import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay } from '../support/expectations.ts'
import { openResults, takeResults } from '../support/results.ts'
import type { Contract } from './contract.ts'
import { apiKeys, maxConsumers, operatorKey } from './profiles.ts'

const { acme, globex } = apiKeys

/** `GET /results`: outcomes as server-sent events. */
export function describeResults({ serve }: Contract): void {
  describe('results as server-sent events', () => {
    test('an outcome comes once, as a CloudEvent with the recorded response; retries and refusals bring nothing', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const placed = await api.post('/api/order', { key, json: anOrder })
      expectExecuted(placed)
      expectReplay(await api.post('/api/order', { key, json: anOrder }), placed)
      expectProblem(await api.post('/api/order', { key, json: { ...anOrder, quantity: 3 } }), 'idempotency-key-reused')
      const last = freshKey()
      await api.post('/test/failing', { key: last, json: { label: 'x' } })
      for (const url of api.urls) {
        using results = await openResults({ url })
        expect(results.stream.headers).toMatchObject({
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
        })
        const commandId = commandIdIn(placed)
        const { event } = await results.find(({ subject }) => subject === commandId)
        expect(event).toEqual({
          specversion: '1.0',
          id: `${commandId}-1`,
          source: '/commands',
          type: 'holdfast.command.succeeded',
          subject: commandId,
          time: event.data.completed_at,
          datacontenttype: 'application/json',
          command: 'order.place',
          tenant: 'default',
          data: {
            command_id: commandId,
            command: 'order.place',
            idempotency_key: key,
            generation: 1,
            outcome: 'succeeded',
            completed_at: event.data.completed_at,
            expires_at: event.data.expires_at,
            response: {
              status: 201,
              headers: { 'content-type': 'application/json; charset=utf-8' },
              body: placed.body,
            },
          },
        })
        // What stands between it and the next outcome of this test is nothing of this key.
        await results.find(({ subject, data }) => {
          expect(subject).not.toBe(commandId)
          return data.idempotency_key === last
        })
      }
    })

    test('refusals and failures of a command are results too, and each can be asked for', async () => {
      const { api } = await serve('standard')
      const [refused, failed] = [freshKey(), freshKey()]
      await api.post('/api/order', { key: refused, json: { ...anOrder, quantity: 2_000 } })
      await api.post('/test/failing', { key: failed, json: { label: 'x' } })
      await api.post('/api/order', { key: freshKey(), json: anOrder })
      const [url = ''] = api.urls
      using rejections = await openResults({ url, query: '?outcome=rejected&command=order.place' })
      const rejected = await rejections.find(({ data, command }) => {
        expect([data.outcome, command]).toEqual(['rejected', 'order.place'])
        return data.idempotency_key === refused
      })
      expect(rejected.event.data.response?.status).toBe(409)
      using both = await openResults({ url, query: '?outcome=rejected&outcome=failed' })
      const seen = await takeResults(both, 2, ({ data }) => {
        expect(data.outcome).not.toBe('succeeded')
        return data.idempotency_key === refused || data.idempotency_key === failed
      })
      expect(seen.map(({ event }) => event.type)).toEqual(['holdfast.command.rejected', 'holdfast.command.failed'])
      expect(problemSchema.parse(JSON.parse(seen[1]?.event.data.response?.body ?? '')).type).toBe(
        '/problems/command-failed',
      )
    })

    test('resumes at every position, by Last-Event-ID and by ?after=, at any gateway', async () => {
      const { api } = await serve('standard')
      const keys = Array.from({ length: 12 }, freshKey)
      const mine = ({ data }: { data: { idempotency_key: string } }): boolean => keys.includes(data.idempotency_key)
      const [url = ''] = api.urls
      for (const key of keys) {
        if (key.charCodeAt(0) % 2 === 0) await api.post('/api/order', { key, json: anOrder })
        else await api.post('/test/throwing-once', { key, json: { label: key } })
      }
      using whole = await openResults({ url })
      const all = await takeResults(whole, keys.length, mine)
      expect(all.map(({ event }) => event.data.idempotency_key)).toEqual(keys)
      for (const [at, { id }] of all.entries()) {
        const gateway = api.urls[at % api.urls.length] ?? ''
        const rest = all.slice(at + 1)
        using byHeader = await openResults({ url: gateway, lastEventId: id, query: '?after=0' })
        expect(await takeResults(byHeader, rest.length, mine)).toEqual(rest)
        using byQuery = await openResults({ url: gateway, query: `?after=${id}` })
        expect(await takeResults(byQuery, rest.length, mine)).toEqual(rest)
      }
    })

    test('results of one key come in order, generation by generation, also live', async () => {
      const { api } = await serve('standard')
      const path = `/test/documents/${freshKey()}`
      const [url = ''] = api.urls
      using live = await openResults({ url, query: '?command=test.put-document' })
      const versions = []
      for (const text of ['one', 'two', 'three', 'four']) versions.push(await api.call('PUT', path, { json: { text } }))
      const mine = ({ data }: { data: { idempotency_key: string } }): boolean => data.idempotency_key === `PUT ${path}`
      const seen = await takeResults(live, versions.length, mine)
      expect(seen.map(({ event }) => event.data.generation)).toEqual([1, 2, 3, 4])
      expect(seen.map(({ event }) => event.data.response?.body)).toEqual(versions.map(({ body }) => body))
    })

    test.each([
      { what: 'a position that is none', query: '?after=abc', wrong: 'after' },
      { what: 'one that is negative', query: '?after=-1', wrong: 'after' },
      { what: 'two of them', query: '?after=1&after=2', wrong: 'after' },
      { what: 'an id that is no position', id: '7f', wrong: 'Last-Event-ID' },
      { what: 'an empty id', id: '', wrong: 'Last-Event-ID' },
      { what: 'one past the end', id: '999999999999999999', wrong: 'Last-Event-ID' },
      { what: 'an outcome that is none', query: '?outcome=succeeded&outcome=done', wrong: 'outcome' },
      { what: 'a command that is none', query: '?command=order.plaice', wrong: 'command' },
      { what: 'something else', query: '?outcome=failed&tenant=globex', wrong: 'tenant' },
    ])('$what: 400, and what is wrong', async ({ query = '', id, wrong }) => {
      const { api } = await serve('standard')
      const headers = id === undefined ? {} : { 'last-event-id': id }
      const problem = expectProblem(await api.get(`/results${query}`, { headers }), 'results-query-invalid')
      expect(problem.issues?.map(({ path }) => path)).toEqual([wrong])
    })

    test('nobody sees another tenant’s results, and nobody any without a key', async () => {
      const { api } = await serve('tenants')
      const [mine, theirs] = [freshKey(), freshKey()]
      await api.post('/api/order', { key: theirs, json: anOrder, apiKey: globex })
      await api.post('/api/order', { key: mine, json: anOrder, apiKey: acme })
      const [url = ''] = api.urls
      using results = await openResults({ url, apiKey: acme })
      await results.find(({ tenant, data }) => {
        expect(tenant).toBe('acme')
        return data.idempotency_key === mine
      })
      expectProblem(await api.get('/results'), 'unauthenticated')
      expectProblem(await api.get('/results', { apiKey: 'somebody-else-0123456789' }), 'unauthenticated')
      // No position of another tenant's result says anything: it is only a place to go on from.
      using other = await openResults({ url, apiKey: globex })
      const { id } = await other.find(({ data }) => data.idempotency_key === theirs)
      using resumed = await openResults({ url, apiKey: acme, lastEventId: id })
      expect((await resumed.find(({ tenant }) => tenant === 'acme')).event.tenant).toBe('acme')
    })

    test('heartbeats, which move the position past what is filtered out', async () => {
      const { api } = await serve('tenants')
      const [url = ''] = api.urls
      // From here on: a store that is given may hold the results of others.
      const before = freshKey()
      await api.post('/api/order', { key: before, json: anOrder, apiKey: acme })
      using all = await openResults({ url, apiKey: acme })
      const { id: start } = await all.find(({ data }) => data.idempotency_key === before)
      using results = await openResults({ url, apiKey: acme, query: '?outcome=failed', lastEventId: start })
      await until(() => results.stream.comments.filter((text) => text === 'heartbeat').length > 1, {
        what: 'heartbeats',
      })
      const key = freshKey()
      await api.post('/api/order', { key, json: anOrder, apiKey: acme })
      const { id } = await all.find(({ data }) => data.idempotency_key === key)
      for (;;) {
        const moved = await results.stream.next()
        expect(moved?.data).toBeUndefined()
        if (BigInt(moved?.id ?? 0) >= BigInt(id)) break
      }
    })

    test('a release is a result, behind the outcome and before the next generation', async () => {
      const { api } = await serve('tenants')
      const key = freshKey()
      const first = await api.post('/api/order', { key, json: anOrder, apiKey: acme })
      const release = { apiKey: operatorKey, json: { reason: 'by mistake', tenant: 'acme' } }
      expect((await api.post(`/idempotency-keys/${key}/release`, release)).status).toBe(200)
      await api.post('/api/order', { key, json: anOrder, apiKey: acme })
      const [url = ''] = api.urls
      using results = await openResults({ url, apiKey: acme })
      const seen = await takeResults(results, 3, ({ data }) => data.idempotency_key === key)
      const commandId = commandIdIn(first)
      expect(seen.map(({ event }) => event.id)).toEqual([`${commandId}-1`, `${commandId}-1-released`, `${commandId}-2`])
      expect(seen[1]?.event).toMatchObject({
        type: 'holdfast.command.released',
        command: 'order.place',
        data: { generation: 1, outcome: 'released', released: { by: 'ops', reason: 'by mistake' } },
      })
      using releases = await openResults({ url, apiKey: acme, query: '?outcome=released' })
      expect((await releases.find(({ data }) => data.idempotency_key === key)).event).toEqual(seen[1]?.event)
    })

    test('more consumers than allowed: 503 too-many-consumers, until one leaves', async () => {
      const { api } = await serve('tenants')
      const [url = ''] = api.urls
      const consumers = await until(
        async () => {
          const opened = []
          try {
            for (let at = 0; at < maxConsumers; at++) opened.push(await openResults({ url, apiKey: acme }))
            return opened
          } catch {
            // Those of the test before may not have left yet.
            for (const one of opened) one[Symbol.dispose]()
            return undefined
          }
        },
        { what: 'room for all' },
      )
      expectProblem(await api.get('/results', { apiKey: acme, gateway: 0 }), 'too-many-consumers')
      consumers[0]?.[Symbol.dispose]()
      await until(
        async () => {
          try {
            using _again = await openResults({ url, apiKey: acme })
            return true
          } catch {
            return false
          }
        },
        { what: 'room for another' },
      )
      for (const one of consumers) one[Symbol.dispose]()
    })
  })
}
