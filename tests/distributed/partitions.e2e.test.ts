import { setTimeout as pause } from 'node:timers/promises'
import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anyIntent } from '../integrity/storm.ts'
import { anOrder, commandIdIn, freshKey, type Api } from '../support/api.ts'
import { createCaller, startLoad } from '../support/distributed-caller.ts'
import { createHistory } from '../support/distributed-history.ts'
import { useStage } from '../support/distributed-stage.ts'
import { expectPromisesKept } from '../support/distributed-verdict.ts'
import { expectExecuted, statusOf, untilResolved } from '../support/expectations.ts'
import { randomFrom, testSeed } from '../support/random.ts'

const timeoutMs = 90_000
const failsForMs = 60_000

/** One client that puts version after version of its document, and goes on only when it knows that one stands. */
function startAuthor(api: Api) {
  const path = `/test/documents/${freshKey()}`
  let stopping = false
  let commandId = ''
  const texts: string[] = []
  const put = async (text: string): Promise<void> => {
    for (;;) {
      const response = await api.call('PUT', path, { json: { text, ms: 5 }, prefer: 'wait=30' })
      if (response.headers['idempotency-expires'] !== undefined) {
        expect({ status: response.status, body: response.body }).toMatchObject({ status: 200 })
        commandId = commandIdIn(response)
        return
      }
      expect([202, 503], response.body).toContain(response.status)
      await pause(50)
    }
  }
  const work = (async () => {
    while (!stopping) {
      texts.push(String(texts.length))
      await put(texts.at(-1) ?? '')
    }
  })()
  work.catch(() => undefined)
  return {
    /** The versions that were put, in order. */
    texts,
    async stop(): Promise<string> {
      stopping = true
      await work
      return commandId
    },
  }
}

describeWithKafka('handlers and their partitions', (kafka) => {
  describe('handlers that join and leave under load', () => {
    const stage = useStage(kafka, { env: { HOLDFAST_DRAIN_MS: '2000' } })

    test('nothing is lost, and order per key is kept', async () => {
      const { api, cluster } = stage()
      const history = createHistory()
      const caller = createCaller({ urls: cluster.urls, history })
      const load = startLoad({ caller, random: randomFrom(testSeed), intent: anyIntent })
      const authors = Array.from({ length: 8 }, () => startAuthor(api))
      const goOn = async (): Promise<void> => {
        const [before, versions] = [load.done, authors.map(({ texts }) => texts.length)]
        await until(
          () => load.done > before + 30 && authors.every(({ texts }, at) => texts.length > (versions[at] ?? 0) + 3),
          { what: 'all of them go on', timeoutMs },
        )
      }
      await goOn()
      const [first, second] = cluster.handlers
      const joined = await Promise.all([cluster.addHandler(), cluster.addHandler()])
      await goOn()
      await first?.stop()
      await goOn()
      await Promise.all([second?.kill(), first?.start()])
      await goOn()
      await joined[0].stop()
      await second?.start()
      await goOn()
      await load.stop()

      const streams = await Promise.all(authors.map(async (author) => ({ author, commandId: await author.stop() })))
      for (const { author, commandId } of streams) {
        const outcomes = (await cluster.events(commandId)).filter((event) => event.metadata['outcome'] !== undefined)
        expect(outcomes.map((event) => event.data['text'])).toEqual(author.texts)
        expect(outcomes.map((event) => event.metadata['generation'])).toEqual(author.texts.map((_, at) => at + 1))
      }
      await expectPromisesKept(cluster, history)
    })
  })

  describe('one key that fails for a minute, among 1,000 healthy ones in the same partition', () => {
    const stage = useStage(kafka, { partitions: 1 })

    test('the others go on and finish first; it comes to its outcome when it can', async () => {
      const { api, cluster, gates } = stage()
      const gate = gates.create()
      const key = freshKey()
      const accepted = await api.post('/test/stubborn', { key, json: gate.json, prefer: 'respond-async' })
      expect(accepted.status, accepted.body).toBe(202)
      await gate.untilBegun(2)
      const failingSince = performance.now()
      // Another attempt at the failing key waits with it, and is no more of a burden.
      const patient = api.post('/test/stubborn', { key, json: gate.json, prefer: 'wait=30' })

      const healthy = Array.from({ length: 1_000 }, freshKey)
      const triesBefore = (await gate.begun()).length
      let next = 0
      const client = async (): Promise<void> => {
        for (let order = healthy[next++]; order !== undefined; order = healthy[next++]) {
          expectExecuted(await api.post('/api/order', { key: order, json: anOrder }))
        }
      }
      await Promise.all(Array.from({ length: 64 }, client))

      const unfinished = statusOf(await api.get(accepted.headers['location'] ?? ''))
      expect(unfinished.state).toBe('accepted')
      await gate.untilBegun(triesBefore + 2)
      expect((await patient).status).toBe(202)
      await until(() => performance.now() > failingSince + failsForMs, {
        what: 'it has failed for a minute',
        timeoutMs,
      })
      const late = api.post('/test/stubborn', { key, json: gate.json, prefer: 'wait=60' })
      await gate.untilBegun((await gate.begun()).length + 2)
      await gate.open()
      const status = await untilResolved(api, accepted.headers['location'] ?? '')
      expect(status).toMatchObject({ state: 'succeeded', generation: 1 })
      expect(status.attempts).toBeGreaterThan(2)
      const { status: code, body } = await late
      expect({ code, body }).toEqual({ code: 201, body: status.response?.body })
      const streams = await cluster.streams()
      expect(streams.size).toBe(healthy.length + 1)
      for (const events of streams.values()) {
        expect(events.filter((event) => event.metadata['outcome'] !== undefined)).toHaveLength(1)
      }
    })
  })
})
