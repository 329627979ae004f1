import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { anyIntent } from '../integrity/storm.ts'
import { createCaller, startLoad } from '../support/distributed-caller.ts'
import { createHistory } from '../support/distributed-history.ts'
import { report } from '../support/distributed-report.ts'
import { useStage } from '../support/distributed-stage.ts'
import { expectPromisesKept } from '../support/distributed-verdict.ts'
import { randomFrom, testSeed } from '../support/random.ts'

const timeoutMs = 90_000

describeWithKafka('a rolling restart under load', (kafka) => {
  const stage = useStage(kafka, { env: { HOLDFAST_DRAIN_MS: '2000' } })

  test('an attempt gets its outcome, 202, or 503 with Retry-After, and nothing is lost', async () => {
    const { cluster } = stage()
    const history = createHistory()
    const caller = createCaller({ urls: cluster.urls, history })
    const load = startLoad({ caller, random: randomFrom(testSeed), intent: anyIntent })
    await until(() => load.done > 100, { what: 'the load', timeoutMs })
    /** When each gateway was not there, in the order of the history. */
    const away: { readonly gateway: string; readonly from: number; readonly to: number }[] = []
    for (const node of [...cluster.gateways, ...cluster.handlers]) {
      const from = history.now()
      expect(await node.stop()).toEqual({ code: 0, signal: null })
      await node.start()
      away.push({ gateway: node.url, from, to: history.now() })
      const before = load.done
      await until(() => load.done > before + 50, { what: 'the load goes on', timeoutMs })
    }
    await load.stop()
    const broken = history
      .keys()
      .flatMap(({ observations }) =>
        observations.flatMap(({ result, ...attempt }) => (result.kind === 'broken' ? { ...result, ...attempt } : [])),
      )
    // Only at a gateway that was not there. (A reset is a connection that the system had taken on its behalf, and that it
    // had not read from when it ceased to listen: to the client the same.)
    const unexplained = broken.filter(
      ({ gateway, sentAt, endedAt }) =>
        !away.some((time) => time.gateway === gateway && sentAt <= time.to && endedAt >= time.from),
    )
    expect(unexplained).toEqual([])
    report('rolling restart', {
      'keys in all': history.keys().length,
      'not connected': broken.length,
      'of these reset': broken.filter(({ code }) => code === 'ECONNRESET').length,
      refused: history.count(503),
      'accepted first': history.count(202),
    })
    await expectPromisesKept(cluster, history)
  })
})
