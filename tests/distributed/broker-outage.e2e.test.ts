import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { anyIntent } from '../integrity/storm.ts'
import { anOrder, freshKey } from '../support/api.ts'
import { createCaller, startLoad } from '../support/distributed-caller.ts'
import { createHistory } from '../support/distributed-history.ts'
import { report, since } from '../support/distributed-report.ts'
import { useStage } from '../support/distributed-stage.ts'
import { publishedResults } from '../support/distributed-topics.ts'
import { expectPromisesKept } from '../support/distributed-verdict.ts'
import { expectProblem } from '../support/expectations.ts'
import { randomFrom, testSeed } from '../support/random.ts'

const timeoutMs = 90_000

describeWithKafka(
  'a broker that is killed with -9 in the middle of a storm',
  (kafka) => {
    // Short, so that callers come again often while the broker is away.
    const stage = useStage(kafka, { env: { HOLDFAST_DURABLE_TIMEOUT_MS: '1000', HOLDFAST_WAIT_MS: '2000' } })

    test('no acknowledged response is lost or changed, one effect per key, every key resolves, and soon', async () => {
      const { api, cluster } = stage()
      const history = createHistory()
      const caller = createCaller({ urls: cluster.urls, history })
      const load = startLoad({ caller, random: randomFrom(testSeed), intent: anyIntent, clients: 16 })
      await until(() => load.done > 200, { what: 'the storm', timeoutMs })

      await kafka().kill()
      const killedAt = performance.now()
      // Whoever comes with a new key is told to come again, at first after a while, then at once.
      for (const [gateway, url] of cluster.urls.entries()) {
        const single = createCaller({ urls: [url], history })
        for (let time = 0; time < 25; time++) {
          const refused = await single.attempt({ key: freshKey(), path: '/api/order', json: anOrder })
          expect(refused?.status, refused?.body).toBe(503)
        }
        expectProblem(await api.get('/readyz', { gateway }), 'unavailable')
      }
      const before = load.done
      await kafka().restart()
      const servingAt = performance.now()
      const away = since(killedAt)

      const fresh = cluster.urls.map(async (url) => {
        const single = createCaller({ urls: [url], history })
        await single.persist({ key: freshKey(), path: '/api/order', json: anOrder })
        return since(servingAt)
      })
      const [first, second] = await Promise.all(fresh)
      await until(() => load.done > before + 200, { what: 'the storm goes on', timeoutMs })
      const goesOn = since(servingAt)
      await load.stop()
      report('broker back', {
        'away for': away,
        'first fresh order at either gateway after': `${first ?? ''} / ${second ?? ''}`,
        '200 keys more after': goesOn,
        'keys in all': history.keys().length,
        'refused meanwhile': history.count(503),
      })
      await expectPromisesKept(cluster, history)

      const outcomes = [...(await cluster.streams()).keys()].map((commandId) => `${commandId}-1`)
      await until(
        async () => {
          const published = await publishedResults(kafka().brokers, cluster)
          return outcomes.every((id) => published.has(id))
        },
        { what: 'the result of every outcome is published', timeoutMs, everyMs: 500 },
      )
      expect(outcomes.length).toBe(history.keys().length)
    })
  },
  { killsBroker: true },
)
