import type { ResultEvent } from '@holdfast/client'
import { consumeResults, results, type KafkaConsumeOptions } from '@holdfast/client/kafka'
import { startEventStore } from '@holdfast/testing/eventstore-stand-in'
import { describeWithKafka, quietKafka, type Kafka, type KafkaMessage } from '@holdfast/testing/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrder } from '../support/api.ts'
import { startCluster, type Cluster } from '../support/distributed.ts'
import { apps } from '../support/paths.ts'
import { connect, endOf } from './kit.ts'

const patient = { timeout: 90_000 }
const idsOf = (results: readonly ResultEvent[]): string[] => results.map(({ id }) => id)

describeWithKafka('results over Kafka, of the distributed runtime', (kafka) => {
  const cleanUp = new AsyncDisposableStack()
  let cluster: Cluster
  let client: Kafka
  let topic: string
  beforeAll(async () => {
    const eventStore = cleanUp.use(await startEventStore())
    const options = { app: apps.contract, brokers: kafka().brokers, eventStore, gateways: 1, handlers: 1 }
    cluster = cleanUp.use(await startCluster(options))
    client = quietKafka(kafka().brokers)
    topic = `${cluster.topicPrefix}.results`
  })
  afterAll(() => cleanUp.disposeAsync())

  /** A consumption that runs beside the test, by default in a group of its own. */
  function consume(options: Partial<KafkaConsumeOptions> = {}) {
    const stop = new AbortController()
    const results: ResultEvent[] = []
    const checkpoints: string[] = []
    const ended = endOf(
      consumeResults({
        kafka: client,
        groupId: `results-${crypto.randomUUID()}`,
        topic,
        onResult: (result) => void results.push(result),
        onCheckpoint: (checkpoint) => void checkpoints.push(checkpoint),
        signal: stop.signal,
        ...options,
      }),
    )
    const stopped = async (): Promise<unknown> => {
      stop.abort()
      return ended
    }
    return { results, checkpoints, ended, stopped, [Symbol.asyncDispose]: async () => void (await stopped()) }
  }

  /** Sends so many orders of this product; the ids of their results. */
  async function placeOrders(count: number): Promise<string[]> {
    await using kit = await connect(cluster)
    const orders = Array.from({ length: count }, () => kit.client.send('order.place', anOrder))
    return (await Promise.all(orders)).map(({ commandId }) => `${commandId}-1`)
  }

  /** Waits until the consumption has all that is in the topic: its partitions come in any order. */
  async function caughtUp(consumer: { readonly checkpoints: readonly string[] }): Promise<void> {
    const admin = client.admin()
    await admin.connect()
    const ends = await admin.fetchTopicOffsets(topic)
    await admin.disconnect()
    const written = ends.reduce((sum, { offset }) => sum + Number(offset), 0)
    await expect.poll(() => sumOf(consumer.checkpoints), patient).toBeGreaterThanOrEqual(written)
  }

  async function committed(groupId: string): Promise<bigint> {
    const admin = client.admin()
    await admin.connect()
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    await admin.disconnect()
    return (found?.partitions ?? []).reduce((sum, { offset }) => sum + BigInt(offset === '-1' ? 0 : offset), 0n)
  }

  test('each result once, the same CloudEvent that the gateway streams', async () => {
    await using kit = await connect(cluster)
    const ids = await placeOrders(20)
    await using consumer = consume()
    await expect.poll(() => idsOf(consumer.results).sort(), patient).toEqual(expect.arrayContaining([...ids].sort()))
    expect(new Set(idsOf(consumer.results)).size).toBe(consumer.results.length)
    const streamed: ResultEvent[] = []
    const stop = new AbortController()
    const streaming = kit.client.consumeResults({
      signal: stop.signal,
      onResult: (result) => void streamed.push(result),
    })
    await expect.poll(() => ids.filter((id) => !idsOf(streamed).includes(id)), patient).toEqual([])
    stop.abort()
    await streaming
    for (const id of ids) {
      expect(consumer.results.find((result) => result.id === id)).toEqual(streamed.find((result) => result.id === id))
    }
  })

  test('only the commands, outcomes and tenant that are asked for', async () => {
    await using rejected = consume({ commands: ['order.place'], outcomes: ['rejected'] })
    await using foreign = consume({ tenant: 'somebody-else' })
    await using kit = await connect(cluster)
    await placeOrders(3)
    const { commandId } = await kit.client.send('order.place', { ...anOrder, quantity: 5_000 })
    await expect.poll(() => idsOf(rejected.results), patient).toEqual([`${commandId}-1`])
    await expect.poll(() => foreign.checkpoints.length, patient).toBeGreaterThan(0)
    expect(foreign.results).toEqual([])
  })

  test('for await: what was in hand when the loop was left comes again, what was asked past does not', async () => {
    const groupId = `results-${crypto.randomUUID()}`
    await using whole = consume()
    const ids = await placeOrders(6)
    await expect.poll(() => ids.filter((id) => !idsOf(whole.results).includes(id)), patient).toEqual([])
    await caughtUp(whole)
    const all = idsOf(whole.results)
    const seen: string[] = []
    let left = ''
    for await (const { id } of results({ kafka: client, groupId, topic })) {
      seen.push(id)
      left = id
      if (seen.length === 4) break
    }
    for await (const { id } of results({ kafka: client, groupId, topic })) {
      seen.push(id)
      // Partitions come in any order: the one that was left may be the last.
      if (seen.length === all.length + 1) break
    }
    expect(seen.filter((id) => id === left)).toHaveLength(2)
    expect(new Set(seen).size).toBe(all.length)
  })

  test('what was in hand when the signal fired is finished, committed and told: it does not come again', async () => {
    const groupId = `results-${crypto.randomUUID()}`
    await using whole = consume()
    const ids = await placeOrders(5)
    await expect.poll(() => ids.filter((id) => !idsOf(whole.results).includes(id)), patient).toEqual([])
    await caughtUp(whole)
    const stop = new AbortController()
    const handled: string[] = []
    const first = consume({
      groupId,
      signal: stop.signal,
      onResult: async ({ id }) => {
        handled.push(id)
        if (handled.length < 3) return
        stop.abort()
        // Long enough for a consumer that does not wait to be gone.
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      },
    })
    expect(await first.ended).toBeUndefined()
    expect(handled).toHaveLength(3)
    await using second = consume({ groupId })
    const all = idsOf(whole.results)
    await expect.poll(() => [...handled, ...idsOf(second.results)].toSorted(), patient).toEqual(all.toSorted())
  })

  test('committed behind the handler: what a failed one had in hand comes again, what was handled does not', async () => {
    const groupId = `results-${crypto.randomUUID()}`
    await using whole = consume()
    const ids = await placeOrders(10)
    await expect.poll(() => ids.filter((id) => !idsOf(whole.results).includes(id)), patient).toEqual([])
    await caughtUp(whole)
    const all = idsOf(whole.results)
    const fault = new Error('the database is away')
    const handled: string[] = []
    let failedAt = ''
    const first = consume({
      groupId,
      onResult: ({ id }) => {
        if (handled.length === 7) {
          failedAt = id
          throw fault
        }
        handled.push(id)
      },
    })
    expect(await first.ended).toBe(fault)
    expect(await committed(groupId), 'as far as it was handled').toBe(7n)
    await using second = consume({ groupId })
    await expect.poll(() => second.results.length, patient).toBe(all.length - 7)
    expect(idsOf(second.results)).toContain(failedAt)
    expect([...handled, ...idsOf(second.results)].sort()).toEqual([...all].sort())
    await second.stopped()
    expect(await committed(groupId)).toBe(BigInt(all.length))
  })

  test('results that are published again are known by their ids, as long as they are remembered', async () => {
    await using consumer = consume()
    const [id = ''] = await placeOrders(1)
    await expect.poll(() => idsOf(consumer.results), patient).toContain(id)
    await caughtUp(consumer)
    const before = [...consumer.results]
    await publishAgain(await storedMessage(id), 3)
    const [later = ''] = await placeOrders(1)
    await expect.poll(() => idsOf(consumer.results), patient).toContain(later)
    await expect.poll(() => sumOf(consumer.checkpoints), patient).toBe(before.length + 4)
    expect(consumer.results).toHaveLength(before.length + 1)
  })

  test('two members share the results, and one takes over what the other leaves', async () => {
    const groupId = `results-${crypto.randomUUID()}`
    await using first = consume({ groupId })
    await expect.poll(() => first.results.length, patient).toBeGreaterThan(0)
    await using second = consume({ groupId })
    const together = (): string[] => [...idsOf(first.results), ...idsOf(second.results)]
    const shared = await placeOrders(40)
    await expect.poll(() => shared.filter((id) => !together().includes(id)), patient).toEqual([])
    await first.stopped()
    const seen = first.results.length
    const alone = await placeOrders(20)
    await expect.poll(() => alone.filter((id) => !idsOf(second.results).includes(id)), patient).toEqual([])
    expect(first.results).toHaveLength(seen)
  })

  test('brokers that cannot be reached are an error when KafkaJS gives up', async () => {
    const kafkaless = quietKafka(['127.0.0.1:1'], { retries: 1, initialRetryTime: 10 })
    expect(await consume({ kafka: kafkaless }).ended).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' })
  })

  /** How many offsets the checkpoints have reached, over all partitions. */
  function sumOf(checkpoints: readonly string[]): number {
    const last = new Map(checkpoints.map((checkpoint) => checkpoint.split('/') as [string, string]))
    return [...last.values()].reduce((sum, offset) => sum + Number(offset), 0)
  }

  async function storedMessage(id: string): Promise<KafkaMessage> {
    const found = Promise.withResolvers<KafkaMessage>()
    const consumer = client.consumer({ groupId: `look-${crypto.randomUUID()}` })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        if (message.headers?.['ce_id']?.toString() === id) found.resolve(message)
      },
    })
    const message = await found.promise
    await consumer.disconnect()
    return message
  }

  async function publishAgain({ key, value, headers }: KafkaMessage, times: number): Promise<void> {
    const producer = client.producer()
    await producer.connect()
    const message = { key, value, ...(headers && { headers }) }
    for (let sent = 0; sent < times; sent++) await producer.send({ topic, messages: [message] })
    await producer.disconnect()
  }
})
