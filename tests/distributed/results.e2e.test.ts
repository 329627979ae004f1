import { resultEventSchema, type ResultEvent } from '@holdfast/contracts'
import { describeWithKafka, type KafkaBroker } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { afterEach, expect, test } from 'vitest'
import { readTopic } from '../../packages/transport-kafka/src/test-support/cluster.ts'
import { describeConsumers } from '../results/consumers.ts'
import { anOrder, commandIdIn, freshKey } from '../support/api.ts'
import { useStage } from '../support/distributed-stage.ts'
import { startDistributed } from '../support/distributed.ts'
import { expectExecuted } from '../support/expectations.ts'
import { openResults, takeResults } from '../support/results.ts'

const timeoutMs = 60_000
const operatorKey = 'ops-key-0123456789'

/** What stands on the topic, as CloudEvents; each id where it came first. */
async function published(kafka: KafkaBroker, topicPrefix: string): Promise<readonly ResultEvent[]> {
  const events = new Map<string, ResultEvent>()
  for (const { headers, key, value } of await readTopic(kafka.brokers, `${topicPrefix}.results`)) {
    const texts = Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)] as const)
    const attributes = texts.flatMap(([name, text]) => (name.startsWith('ce_') ? [[name.slice(3), text]] : []))
    const event = resultEventSchema.parse({
      ...Object.fromEntries(attributes),
      datacontenttype: Object.fromEntries(texts)['content-type'],
      data: JSON.parse(String(value)) as unknown,
    })
    expect(String(key)).toBe(`command-${event.subject}`)
    if (!events.has(event.id)) events.set(event.id, event)
  }
  return [...events.values()]
}

describeWithKafka('results of the distributed runtime', (kafka) => {
  describeConsumers(startDistributed(kafka))

  const stage = useStage(kafka, { env: { HOLDFAST_OPERATOR_KEYS: `ops=${operatorKey}` } })

  afterEach(async () => {
    const { gateways, handlers } = stage().cluster
    await Promise.all([...gateways, ...handlers].map((node) => node.revive()))
  })

  const release = async (key: string): Promise<void> => {
    const json = { reason: 'by mistake', tenant: 'default' }
    const answer = await stage().api.post(`/idempotency-keys/${key}/release`, { apiKey: operatorKey, json })
    expect(answer.status, answer.body).toBe(200)
  }
  const untilPublished = (ids: readonly string[]): Promise<readonly ResultEvent[]> =>
    until(
      async () => {
        const events = await published(kafka(), stage().cluster.topicPrefix)
        return ids.every((id) => events.some((event) => event.id === id)) && events
      },
      { what: ids.join(', '), timeoutMs, everyMs: 200 },
    )

  test('Kafka and server-sent events tell the same, in the same order for each key: outcomes, releases, generations', async () => {
    const { api, cluster } = stage()
    const keys = Array.from({ length: 10 }, freshKey)
    const ids: string[] = []
    for (const key of keys) {
      const placed = await api.post('/api/order', { key, json: anOrder })
      expectExecuted(placed)
      await release(key)
      // At once: nobody has published the release by now, perhaps.
      const again = await api.post('/test/failing', { key, json: { label: 'x' } })
      expect(again.status).toBe(500)
      const id = commandIdIn(placed)
      ids.push(`${id}-1`, `${id}-1-released`, `${id}-2`)
    }
    const mine = ({ data }: ResultEvent): boolean => keys.includes(data.idempotency_key)
    const onKafka = (await untilPublished(ids)).filter(mine)
    const byId = Map.groupBy(onKafka, ({ subject }) => subject)
    for (const url of cluster.urls) {
      using results = await openResults({ url })
      const streamed = (await takeResults(results, ids.length, mine)).map(({ event }) => event)
      expect(streamed.map(({ id }) => id)).toEqual(ids)
      expect(Map.groupBy(streamed, ({ subject }) => subject)).toEqual(byId)
    }
  })

  test('all handlers killed before a release is published: it comes with the next handler, and before the next generation', async () => {
    const { api, cluster } = stage()
    const [key, other] = [freshKey(), freshKey()]
    const placed = await api.post('/api/order', { key, json: anOrder })
    const second = await api.post('/api/order', { key: other, json: anOrder })
    const [id, otherId] = [commandIdIn(placed), commandIdIn(second)]
    await untilPublished([`${id}-1`, `${otherId}-1`])
    await Promise.all(cluster.handlers.map((handler) => handler.kill()))
    await release(key)
    await release(other)
    const next = api.post('/api/order', { key, json: { ...anOrder, quantity: 3 }, prefer: 'wait=60' })
    await Promise.all(cluster.handlers.map((handler) => handler.start()))
    expectExecuted(await next)
    const events = await untilPublished([`${id}-1-released`, `${id}-2`, `${otherId}-1-released`])
    const ids = events.filter(({ subject }) => subject === id).map((event) => event.id)
    expect(ids).toEqual([`${id}-1`, `${id}-1-released`, `${id}-2`])
  })

  test('the event store dies and comes back: consumers that are connected go on, and positions stay what they were', async () => {
    const { api, cluster, standIn } = stage()
    const [url = ''] = cluster.urls
    const key = freshKey()
    await api.post('/api/order', { key, json: anOrder })
    using results = await openResults({ url })
    const { id } = await results.find(({ data }) => data.idempotency_key === key)
    await standIn.kill()
    await standIn.restart()
    const later = freshKey()
    const placed = await api.post('/api/order', { key: later, json: anOrder, prefer: 'wait=60' })
    expectExecuted(placed)
    await results.find(({ data }) => data.idempotency_key === later)
    using resumed = await openResults({ url, lastEventId: id })
    expect((await resumed.next()).event.data.idempotency_key).toBe(later)
  })
})
