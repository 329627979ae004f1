import { setTimeout as pause } from 'node:timers/promises'
import { temporaryFolder } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { createApi, freshKey } from '../support/api.ts'
import { startEmbedded, startStandaloneProcess } from '../support/embedded.ts'
import { apps } from '../support/paths.ts'
import { randomFrom, testSeed } from '../support/random.ts'
import { openResults, type SeenResult } from '../support/results.ts'
import { describeConsumers } from './consumers.ts'

const rounds = 6

describe('results of the embedded runtime', () => {
  describeConsumers(startEmbedded)

  test(`${rounds} times kill -9 in the middle of a storm: nothing is missed, nothing that was shown is lost, each id comes once`, async () => {
    await using folder = await temporaryFolder()
    const random = randomFrom(testSeed)
    const acknowledged = new Set<string>()
    const seen: SeenResult[] = []
    for (let round = 1; round <= rounds; round++) {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const api = createApi([service.url])
      const last = seen.at(-1)?.id
      using results = await openResults({ url: service.url, ...(last !== undefined && { lastEventId: last }) })
      const reading = (async () => {
        for (;;) seen.push(await results.next())
      })()
      const callers = Array.from({ length: 16 }, async () => {
        for (;;) {
          const key = freshKey()
          const answer = await api.post('/api/order', { key, json: { product_id: 'abc', quantity: 1 } })
          if (answer.status === 201) acknowledged.add(key)
        }
      })
      const broken = Promise.allSettled([reading, ...callers])
      await pause(300 + random() * 400)
      service.kill('SIGKILL')
      await service.exited
      await broken
    }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const api = createApi([service.url])
    const end = freshKey()
    await api.post('/api/order', { key: end, json: { product_id: 'abc', quantity: 1 } })
    const isEnd = ({ data }: SeenResult['event']): boolean => data.idempotency_key === end
    const last = seen.at(-1)?.id
    using rest = await openResults({ url: service.url, ...(last !== undefined && { lastEventId: last }) })
    await rest.find((event) => {
      seen.push({ id: '', event })
      return isEnd(event)
    })
    using whole = await openResults({ url: service.url })
    const all: SeenResult['event'][] = []
    await whole.find((event) => {
      all.push(event)
      return isEnd(event)
    })
    expect(acknowledged.size).toBeGreaterThan(rounds)
    expect(seen.map(({ event }) => event)).toEqual(all)
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    const keys = new Set(all.map(({ data }) => data.idempotency_key))
    expect([...acknowledged].filter((key) => !keys.has(key))).toEqual([])
  })

  test('a shutdown ends the stream, and does not wait for its consumers', async () => {
    await using folder = await temporaryFolder()
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const key = freshKey()
    await createApi([service.url]).post('/test/echo', { key, json: {} })
    using results = await openResults({ url: service.url })
    await results.find(({ data }) => data.idempotency_key === key)
    using stalled = await openResults({ url: service.url })
    stalled.stream.pause()
    service.kill('SIGTERM')
    // The end of the answer, not a connection that breaks.
    expect(await results.stream.next()).toBeUndefined()
    expect(await service.exited).toEqual({ code: 0, signal: null })
  })
})
