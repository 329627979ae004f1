import { commandIdOf, type IdempotencyKey, type Tenant } from '@holdfast/core'
import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { afterEach, expect, test } from 'vitest'
import { anOrder, commandIdIn, freshKey, jsonOf } from '../support/api.ts'
import type { ServiceNode } from '../support/distributed-node.ts'
import { useStage } from '../support/distributed-stage.ts'
import { deleteResults, publishedResults } from '../support/distributed-topics.ts'
import { expectExecuted, expectReplay } from '../support/expectations.ts'

const timeoutMs = 60_000
const patient = 'wait=60'

const commandIdOfKey = (key: string): string => commandIdOf('default' as Tenant, key as IdempotencyKey)

describeWithKafka('a process that dies', (kafka) => {
  // What is shown here is the work of Kafka's redelivery: nobody else looks for commands that were left behind.
  const stage = useStage(kafka, { env: { HOLDFAST_COMPLETER_MS: '3600000' } })

  afterEach(async () => {
    const { gateways, handlers } = stage().cluster
    await Promise.all([...gateways, ...handlers].map((node) => node.revive()))
  })

  const handlerOf = (pid: number | undefined): ServiceNode => {
    const found = stage().cluster.handlers.find((handler) => handler.process.pid === pid)
    if (found === undefined) throw new Error(`no handler has the process id ${pid}`)
    return found
  }
  const typesOn = async (key: string): Promise<readonly string[]> =>
    (await stage().cluster.events(commandIdOfKey(key))).map(({ type }) => type)
  const untilTypes = (key: string, types: readonly string[]): Promise<unknown> =>
    until(async () => (await typesOn(key)).join() === types.join(), { what: types.join(', '), timeoutMs })

  const expectPlacedOnce = async (key: string): Promise<void> => {
    const [first, ...others] = await typesOn(key)
    // One that takes longer than a moment, on a busy machine, is recorded as accepted before (decision 0009).
    expect(first === 'CommandAccepted' ? others : [first, ...others]).toEqual(['OrderPlaced'])
  }

  test('handlers killed between append and publish: the gateway answers from the stream; the results come with the next handler', async () => {
    const { api, cluster, gates, standIn } = stage()
    const { brokers } = kafka()
    const gate = gates.create()
    const key = freshKey()
    const answer = api.post('/test/gated', { key, json: gate.json, prefer: patient })
    const [pid] = await gate.untilBegun(1)
    await untilTypes(key, ['CommandAccepted'])
    // These are decided and answered, and their results cannot be published: so they must not be committed.
    await deleteResults(brokers, cluster)
    const orders = Array.from({ length: 20 }, freshKey)
    const placed = await Promise.all(orders.map((order) => api.post('/api/order', { key: order, json: anOrder })))
    for (const one of placed) expectExecuted(one)
    // This one's write becomes durable, and its handler never hears of it.
    await standIn.inject({ rpc: 'append', stream: 'command-', fault: { kind: 'no-answer', act: true } })
    await gate.open()
    await untilTypes(key, ['CommandAccepted', 'GatePassed'])
    await Promise.all(cluster.handlers.map((handler) => handler.kill()))

    // Nobody is left who could reply.
    const first = await answer
    expectExecuted(first)
    expect(jsonOf(first)['decided_by']).toBe(pid)
    expectReplay(await api.post('/test/gated', { key, json: gate.json }), first)

    await Promise.all(cluster.handlers.map((handler) => handler.start()))
    const results = [key, ...orders].map((one) => `${commandIdOfKey(one)}-1`)
    await until(
      async () => {
        const published = await publishedResults(brokers, cluster)
        return results.every((id) => published.has(id))
      },
      { what: 'all results are published', timeoutMs },
    )
    for (const gateway of cluster.urls.keys()) {
      expectReplay(await api.post('/test/gated', { key, json: gate.json, gateway }), first)
    }
    expect(await typesOn(key)).toEqual(['CommandAccepted', 'GatePassed'])
    expect(await gate.decided()).toEqual([pid])
    for (const order of orders) await expectPlacedOnce(order)
  })

  test('a handler killed with a command under way, and others published and not committed: decided once, published again', async () => {
    const { api, cluster, gates } = stage()
    const gate = gates.create()
    const key = freshKey()
    const answer = api.post('/test/gated', { key, json: gate.json, prefer: patient })
    const [pid] = await gate.untilBegun(1)
    // Those in the same partition stand behind the one that is under way: they are done, and cannot be committed.
    const orders = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const order = freshKey()
        return { key: order, first: await api.post('/api/order', { key: order, json: anOrder }) }
      }),
    )
    for (const { first } of orders) expectExecuted(first)
    const texts = ['one', 'two', 'three']
    const documents = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const path = `/test/documents/${freshKey()}`
        const versions = []
        for (const text of texts) versions.push(await api.call('PUT', path, { json: { text } }))
        return { path, versions }
      }),
    )
    await handlerOf(pid).kill()
    const begun = await gate.untilBegun(2)
    expect(begun).toHaveLength(2)
    expect(begun[1]).not.toBe(pid)
    await gate.open()

    const first = await answer
    expectExecuted(first)
    expect(jsonOf(first)['decided_by']).toBe(begun[1])
    expect(await typesOn(key)).toEqual(['CommandAccepted', 'GatePassed'])
    const twice = await until(
      async () => {
        const published = await publishedResults(kafka().brokers, cluster)
        const again = orders.filter((order) => (published.get(`${commandIdOfKey(order.key)}-1`) ?? 0) > 1)
        return again.length > 0 && again
      },
      { what: 'results that were published again, under the same id', timeoutMs },
    )
    expect(twice.length).toBeLessThan(orders.length)
    for (const order of orders) {
      expectReplay(await api.post('/api/order', { key: order.key, json: anOrder }), order.first)
      await expectPlacedOnce(order.key)
    }
    // Versions that came again, behind those that had superseded them, have not become versions again.
    for (const { path, versions } of documents) {
      for (const version of versions) expectExecuted(version, 200)
      const last = versions.at(-1) ?? first
      expectReplay(await api.call('PUT', path, { json: { text: texts.at(-1) } }), last)
      const puts = (await cluster.events(commandIdIn(last))).filter(({ type }) => type === 'DocumentPut')
      expect(puts.map((event) => event.data['text'])).toEqual(texts)
    }
  })

  test('a handler paused beyond its session wakes up after another has its keys: its append is refused', async () => {
    const { api, gates, standIn } = stage()
    const gate = gates.create()
    const key = freshKey()
    const answer = api.post('/test/gated', { key, json: gate.json, prefer: patient })
    const [pid] = await gate.untilBegun(1)
    await untilTypes(key, ['CommandAccepted'])
    const zombie = handlerOf(pid)
    zombie.pause()
    const begun = await gate.untilBegun(2)
    expect(begun[1]).not.toBe(pid)
    await gate.open()
    const first = await answer
    expectExecuted(first)
    expect(jsonOf(first)['decided_by']).toBe(begun[1])

    const { batchAppends } = await standIn.status()
    zombie.resume()
    expect(await gate.untilDecided(2)).toEqual([begun[1], pid])
    await until(async () => (await standIn.status()).batchAppends > batchAppends, { what: 'it appends', timeoutMs })
    expectReplay(await api.post('/test/gated', { key, json: gate.json }), first)
    expect(await typesOn(key)).toEqual(['CommandAccepted', 'GatePassed'])
  })

  test('a gateway killed with a command in the log: the retry at the other gateway gets its outcome', async () => {
    const { api, cluster, gates } = stage()
    const gate = gates.create()
    const key = freshKey()
    const [dying] = cluster.gateways
    const lost = api.post('/test/gated', { key, json: gate.json, prefer: patient, gateway: 0 }).catch(() => undefined)
    const begun = await gate.untilBegun(1)
    await dying?.kill()
    expect(await lost).toBeUndefined()
    const retry = api.post('/test/gated', { key, json: gate.json, prefer: patient, gateway: 1 })
    await gate.open()

    const first = await retry
    expect(first.status, first.body).toBe(201)
    // It was the dead gateway's attempt that was executed.
    expect(first.headers['idempotent-replayed']).toBe('true')
    expect(jsonOf(first)['decided_by']).toBe(begun[0])
    expect(commandIdIn(first)).toBe(commandIdOfKey(key))
    expect((await typesOn(key)).filter((type) => type === 'GatePassed')).toHaveLength(1)
    await dying?.start()
    expectReplay(await api.post('/test/gated', { key, json: gate.json, gateway: 0 }), first)
  })
})
