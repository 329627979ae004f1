import { send } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { createApi, freshKey } from '../support/api.ts'
import { apps } from '../support/paths.ts'
import { openResults, takeResults } from '../support/results.ts'
import type { StartTestServer } from '../support/server.ts'

/** What one consumer leaves unread is more than the sockets between take. */
const bigBody = { label: 'x'.repeat(200_000) }
const bigResults = 120

/** A consumer that does not take what it is given, on every runtime. */
export function describeConsumers(start: StartTestServer): void {
  test('a slow consumer is cut, the others are not; it resumes with nothing missing', async () => {
    await using server = await start({ app: apps.contract, env: { HOLDFAST_RESULTS_STALL_MS: '300' } })
    const api = createApi(server.urls)
    const [url = ''] = server.urls
    const ended = async (): Promise<string> => (await send({ url, path: '/metrics' })).body
    // From here on: a store that is given may hold the results of others.
    const before = freshKey()
    expect((await api.post('/test/echo', { key: before, json: { label: 'before' } })).status).toBe(201)
    using past = await openResults({ url })
    const { id: from } = await past.find(({ data }) => data.idempotency_key === before)
    using slow = await openResults({ url, lastEventId: from })
    using quick = await openResults({ url, lastEventId: from })
    slow.stream.pause()
    const keys = Array.from({ length: bigResults }, freshKey)
    const read = takeResults(quick, keys.length)
    for (const key of keys) expect((await api.post('/test/echo', { key, json: bigBody })).status).toBe(201)
    const all = await read
    expect(all.map(({ event }) => event.data.idempotency_key)).toEqual(keys)
    await until(async () => (await ended()).includes('holdfast_result_consumers_ended_total{why="slow"} 1'), {
      what: 'the slow consumer is cut',
    })
    slow.stream.resume()
    let last = from
    let got = 0
    const cut = async (): Promise<void> => {
      for (;;) {
        last = (await slow.next()).id
        got += 1
      }
    }
    await expect(cut()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(got).toBeLessThan(keys.length)
    using again = await openResults({ url, lastEventId: last })
    expect(await takeResults(again, keys.length - got)).toEqual(all.slice(got))
  })
}
