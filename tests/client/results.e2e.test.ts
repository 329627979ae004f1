import { createClient, HoldfastProblem, type ReconnectNotice, type ResultEvent } from '@holdfast/client'
import { temporaryFolder } from '@holdfast/testing/processes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { app } from '../apps/contract.ts'
import { anOrder } from '../support/api.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { apps } from '../support/paths.ts'
import { readMetrics } from '../support/metrics.ts'
import type { TestServer } from '../support/server.ts'
import { connect, endOf, startGateway } from './kit.ts'

type Kit = Awaited<ReturnType<typeof connect>>
type Options = Parameters<Kit['client']['consumeResults']>[0]

/** A consumption that runs beside the test. */
function consume(client: Pick<Kit['client'], 'consumeResults'>, options: Partial<Options> = {}) {
  const stop = new AbortController()
  const results: ResultEvent[] = []
  const checkpoints: string[] = []
  const reconnects: ReconnectNotice[] = []
  const ended = endOf(
    client.consumeResults({
      onResult: (result) => void results.push(result),
      onCheckpoint: (checkpoint) => void checkpoints.push(checkpoint),
      onReconnect: (notice) => reconnects.push(notice),
      signal: stop.signal,
      ...options,
    }),
  )
  const stopped = async (): Promise<unknown> => {
    stop.abort()
    return ended
  }
  return { results, checkpoints, reconnects, ended, stopped, [Symbol.asyncDispose]: async () => void (await stopped()) }
}

const patient = { timeout: 30_000 }
const idsOf = (results: readonly ResultEvent[]): string[] => results.map(({ id }) => id)

/** Places so many orders; their results' ids, in order. */
async function placeOrders({ client }: Kit, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let placed = 0; placed < count; placed++) {
    const { commandId } = await client.send('order.place', anOrder)
    ids.push(`${commandId}-1`)
  }
  return ids
}

describe('results over server-sent events', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startGateway({ HOLDFAST_RESULTS_HEARTBEAT_MS: '200' })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test('the past and then live, each once, with a checkpoint behind each', async () => {
    await using own = await startGateway()
    await using kit = await connect(own)
    const past = await placeOrders(kit, 5)
    await using consumer = consume(kit.client)
    await expect.poll(() => consumer.results.length, patient).toBe(5)
    const live = await placeOrders(kit, 5)
    await expect.poll(() => consumer.results.length, patient).toBe(10)
    expect(idsOf(consumer.results)).toEqual([...past, ...live])
    expect(consumer.results[0]).toMatchObject({ command: 'order.place', data: { outcome: 'succeeded', generation: 1 } })
    expect(await consumer.stopped()).toBeUndefined()
    expect(consumer.checkpoints.length).toBeGreaterThanOrEqual(10)
  })

  test('only the commands and outcomes that are asked for; the checkpoint moves past the others', async () => {
    await using kit = await connect(server)
    await using consumer = consume(kit.client, {
      commands: ['order.place', 'test.failing'],
      outcomes: ['rejected', 'failed'],
    })
    await placeOrders(kit, 3)
    const rejected = await kit.client.send('order.place', { ...anOrder, quantity: 5_000 })
    await endOf(kit.client.send('test.failing', { label: 'x' }))
    await expect.poll(() => consumer.results.length, patient).toBe(2)
    expect(consumer.results.map(({ data }) => data.outcome)).toEqual(['rejected', 'failed'])
    expect(consumer.results[0]?.subject).toBe(rejected.commandId)
    const seen = consumer.checkpoints.length
    await placeOrders(kit, 3)
    await expect.poll(() => consumer.checkpoints.length, patient).toBeGreaterThan(seen)
    expect(consumer.results).toHaveLength(2)
  })

  test('goes on behind a checkpoint, at any of them', async () => {
    await using kit = await connect(server)
    await using whole = consume(kit.client)
    const ids = await placeOrders(kit, 6)
    await expect.poll(() => idsOf(whole.results).slice(-6), patient).toEqual(ids)
    // Behind the last result the heartbeats stay silent: they would tell the same id.
    for (const [at, after] of whole.checkpoints.slice(-6).entries()) {
      if (at === 5) continue
      await using rest = consume(kit.client, { after })
      await expect.poll(() => idsOf(rest.results), patient).toEqual(ids.slice(at + 1))
    }
  })

  test('connections that break anywhere: nothing is missed, nothing handled twice, each goes on where the last one stood', async () => {
    await using kit = await connect(server, { retry: { attemptTimeoutMs: 1_000 } })
    const ids = await placeOrders(kit, 30)
    const cuts = [20, 700, 1_000, 1_500, 3_000, 5_000].map((bytes) => ({ kind: 'cut-answer', bytes }) as const)
    kit.proxy.plan([{ kind: 'cut-request' }, { kind: 'hold-answer' }, { kind: 'answer', status: 502 }, ...cuts])
    await using consumer = consume(kit.client)
    await expect.poll(() => idsOf(consumer.results).slice(-ids.length), patient).toEqual(ids)
    expect(new Set(idsOf(consumer.results)).size).toBe(consumer.results.length)
    expect(consumer.reconnects).toHaveLength(3 + cuts.length)
    const resumed = kit.proxy.requests
      .filter(({ path }) => path === '/results')
      .map(({ headers }) => headers['last-event-id'])
    const places = resumed.filter((place) => place !== undefined).map(String)
    expect(resumed.slice(-places.length), 'once it has handled one, it always says where it stands').toEqual(places)
    expect(new Set(places).size).toBeGreaterThan(1)
    for (const place of places) expect(consumer.checkpoints).toContain(place)
  })

  test('results that are delivered again are known by their ids', async () => {
    await using kit = await connect(server)
    const ids = await placeOrders(kit, 10)
    const cuts = Array.from({ length: 3 }, () => ({ kind: 'cut-answer', bytes: 8_000 }) as const)
    kit.proxy.plan(cuts)
    // Something in between drops the header: every connection begins at the beginning.
    const client = createClient<typeof app>({
      baseUrl: kit.proxy.url,
      retry: { initialDelayMs: 5, maxDelayMs: 50 },
      fetch: (input, init) => {
        const request = new Request(input, init)
        request.headers.delete('last-event-id')
        return fetch(request)
      },
    })
    await using consumer = consume(client)
    await expect.poll(() => consumer.reconnects.length, patient).toBe(cuts.length)
    await expect.poll(() => idsOf(consumer.results).slice(-ids.length), patient).toEqual(ids)
    expect(new Set(idsOf(consumer.results)).size).toBe(consumer.results.length)
    expect(consumer.checkpoints.length, 'they were delivered again').toBeGreaterThan(consumer.results.length)
  })

  test('a handler that throws ends it; the result comes again behind the last checkpoint', async () => {
    await using kit = await connect(server)
    await using whole = consume(kit.client)
    const ids = await placeOrders(kit, 4)
    await expect.poll(() => idsOf(whole.results).slice(-4), patient).toEqual(ids)
    const after = whole.checkpoints.at(-5) ?? ''
    const fault = new Error('the database is away')
    const handled: string[] = []
    await using consumer = consume(kit.client, {
      after,
      onResult: ({ id }) => {
        if (handled.length === 2) throw fault
        handled.push(id)
      },
    })
    expect(await consumer.ended).toBe(fault)
    expect(handled).toEqual(ids.slice(0, 2))
    expect(consumer.checkpoints).toHaveLength(2)
    const checkpoint = consumer.checkpoints.at(-1) ?? ''
    await using next = consume(kit.client, { after: checkpoint })
    await expect.poll(() => idsOf(next.results), patient).toEqual(ids.slice(2))
    await using failing = consume(kit.client, {
      onCheckpoint: () => Promise.reject(fault),
    })
    expect(await failing.ended, 'so does a checkpoint that cannot be stored').toBe(fault)
  })

  test('the result that is being handled when the signal fires is finished, checkpoint and all', async () => {
    await using kit = await connect(server)
    await placeOrders(kit, 3)
    const stop = new AbortController()
    const [begun, release] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    const told: string[] = []
    const ended = kit.client.consumeResults({
      signal: stop.signal,
      onResult: () => {
        begun.resolve(undefined)
        return release.promise
      },
      onCheckpoint: (checkpoint) => void told.push(checkpoint),
    })
    await begun.promise
    stop.abort()
    release.resolve(undefined)
    await ended
    expect(told).toHaveLength(1)
  })

  test('for await: left and taken up again at the last checkpoint, nothing is missing', async () => {
    await using own = await startGateway()
    await using kit = await connect(own)
    const ids = await placeOrders(kit, 6)
    const seen: string[] = []
    let after: string | undefined
    const follow = async (count: number): Promise<void> => {
      const onCheckpoint = (checkpoint: string): void => void (after = checkpoint)
      for await (const { id } of kit.client.results({ onCheckpoint, ...(after !== undefined && { after }) })) {
        seen.push(id)
        if (seen.length === count) break
      }
    }
    await follow(3)
    await follow(7)
    // The third was in hand when the loop was left.
    expect(seen).toEqual([...ids.slice(0, 3), ...ids.slice(2)])
    await expect.poll(async () => (await readMetrics(own))('holdfast_result_consumers'), patient).toBe(0)
    const lost = kit.client.results({ after: '999999999' })
    await expect(lost.next()).rejects.toMatchObject({ code: 'results-query-invalid' })
  })

  test('an unknown position and a missing API key are final', async () => {
    await using closed = await startGateway({ HOLDFAST_API_KEYS: 'acme=acme-key-0123456789' })
    await using kit = await connect(server)
    await using nobody = await connect(closed)
    const lost = consume(kit.client, { after: '999999999' })
    expect(await lost.ended).toBeInstanceOf(HoldfastProblem)
    expect(await lost.ended).toMatchObject({ code: 'results-query-invalid', status: 400 })
    expect(await consume(nobody.client).ended).toMatchObject({ code: 'unauthenticated' })
    expect(lost.reconnects).toEqual([])
  })

  test('a gateway with too many consumers is asked again', async () => {
    await using full = await startGateway({ HOLDFAST_RESULTS_MAX_CONSUMERS: '1' })
    await using kit = await connect(full)
    const ids = await placeOrders(kit, 1)
    await using first = consume(kit.client)
    await expect.poll(() => first.results.length, patient).toBe(1)
    await using second = consume(kit.client)
    await expect.poll(() => second.reconnects.length, patient).toBeGreaterThan(0)
    expect(second.reconnects[0]).toMatchObject({ cause: { code: 'too-many-consumers' } })
    expect(second.reconnects[0]?.delayMs).toBeGreaterThanOrEqual(1_000)
    await first.stopped()
    await expect.poll(() => idsOf(second.results), patient).toEqual(ids)
  })

  test('silence is taken for a broken connection', async () => {
    await using quiet = await startGateway()
    await using kit = await connect(quiet)
    await using consumer = consume(kit.client, { idleTimeoutMs: 300 })
    await expect.poll(() => consumer.reconnects.length, patient).toBeGreaterThan(1)
    const ids = await placeOrders(kit, 2)
    await expect.poll(() => idsOf(consumer.results), patient).toEqual(ids)
  })

  test('a consumer that is too slow is cut, comes back, and misses nothing', async () => {
    await using strict = await startGateway({ HOLDFAST_RESULTS_STALL_MS: '100' })
    await using kit = await connect(strict)
    // Without the proxy: more than what the sockets' buffers hold has to wait.
    const client = createClient<typeof app>({ baseUrl: strict.urls[0] ?? '' })
    const ids: string[] = []
    for (let at = 0; at < 30; at++) {
      const { commandId } = await kit.client.send('test.large', { bytes: 900_000 })
      ids.push(`${commandId}-1`)
    }
    const cut = async () => (await readMetrics(strict))('holdfast_result_consumers_ended_total', { why: 'slow' })
    const handled: string[] = []
    await using consumer = consume(client, {
      onResult: async ({ id }) => {
        handled.push(id)
        if (handled.length === 1) await expect.poll(cut, patient).toBe(1)
      },
    })
    await expect.poll(() => handled, { timeout: 60_000 }).toEqual(ids)
    expect(consumer.reconnects.length).toBeGreaterThan(0)
  })

  test('the gateway is killed and started again: it goes on where it stood', async () => {
    await using folder = await temporaryFolder()
    const start = () => startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    await using first = await start()
    await using kit = await connect({ urls: [first.url] }, { retry: { maxAttempts: 500, maxDelayMs: 200 } })
    await using consumer = consume(kit.client)
    const before = await placeOrders(kit, 5)
    await expect.poll(() => idsOf(consumer.results), patient).toEqual(before)
    first.kill('SIGKILL')
    await first.exited
    await expect.poll(() => consumer.reconnects.length, patient).toBeGreaterThan(0)
    await using second = await start()
    kit.proxy.retarget(second.url)
    const after = await placeOrders(kit, 5)
    await expect.poll(() => idsOf(consumer.results), patient).toEqual([...before, ...after])
  })
})
