import type { Fault } from '@holdfast/testing/eventstore-stand-in'
import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { anyIntent } from '../integrity/storm.ts'
import { anOrder, commandIdIn, freshKey } from '../support/api.ts'
import { createCaller, startLoad } from '../support/distributed-caller.ts'
import { createHistory } from '../support/distributed-history.ts'
import { report, since } from '../support/distributed-report.ts'
import { useStage } from '../support/distributed-stage.ts'
import { expectPromisesKept } from '../support/distributed-verdict.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf, untilResolved } from '../support/expectations.ts'
import { randomFrom, testSeed } from '../support/random.ts'

const timeoutMs = 90_000

/** Everything that an append, a read or a connection can go through. `act`: the write happens all the same. */
const trouble: readonly Fault[] = [
  { kind: 'delay', ms: 400 },
  { kind: 'answer-late', ms: 400 },
  { kind: 'answer-twice', ms: 50 },
  { kind: 'no-answer', act: true },
  { kind: 'no-answer', act: false },
  { kind: 'end', act: true },
  { kind: 'close-connections', act: true },
  { kind: 'close-connections', act: false },
  { kind: 'not-ready' },
  { kind: 'unavailable' },
  // Later than the adapter waits for it.
  { kind: 'answer-late', ms: 5_500 },
]

describeWithKafka('an event store in trouble', (kafka) => {
  const stage = useStage(kafka)

  const startStorm = () => {
    const { cluster } = stage()
    const history = createHistory()
    const caller = createCaller({ urls: cluster.urls, history })
    const load = startLoad({ caller, random: randomFrom(testSeed), intent: anyIntent, clients: 16 })
    return { history, load }
  }

  test('delayed, late, duplicate and missing answers in a storm: one effect per key, and no answer changes', async () => {
    const { cluster, standIn } = stage()
    const { history, load } = startStorm()
    await until(() => load.done > 50, { what: 'the storm', timeoutMs })
    for (const fault of trouble) {
      await standIn.inject({ rpc: 'append', stream: 'command-', times: 4, fault })
      await until(async () => (await standIn.status()).pendingFaults === 0, { what: JSON.stringify(fault), timeoutMs })
    }
    const before = load.done
    await until(() => load.done > before + 100, { what: 'the storm goes on', timeoutMs })
    await load.stop()
    await expectPromisesKept(cluster, history)
  })

  test('killed in a storm and restarted: no acknowledged response is lost or changed, every key resolves', async () => {
    const { cluster, standIn } = stage()
    const { history, load } = startStorm()
    await until(() => load.done > 200, { what: 'the storm', timeoutMs })
    // The first time in the middle of a write that is on the disk, and that nobody hears of.
    await standIn.inject({ rpc: 'append', stream: 'command-', fault: { kind: 'die', act: true } })
    await standIn.died()
    for (let time = 1; time <= 2; time++) {
      const refused = history.count(503)
      await until(() => history.count(503) > refused + 50, { what: 'callers are told to come again', timeoutMs })
      const before = load.done
      await standIn.restart()
      const servingAt = performance.now()
      await until(() => load.done > before + 200, { what: 'the storm goes on', timeoutMs })
      report('event store back', { '200 keys more after': since(servingAt) })
      if (time === 1) await standIn.kill()
    }
    await load.stop()
    await expectPromisesKept(cluster, history)
  })

  test('it takes no writes: what is in the log is acknowledged, and done when it does; replays and look-ups go on', async () => {
    const { api, standIn } = stage()
    const done = freshKey()
    const first = await api.post('/api/order', { key: done, json: anOrder })
    expectExecuted(first)
    await standIn.inject({ rpc: 'append', times: 1_000_000, fault: { kind: 'unavailable' } })
    expectProblem(await api.get('/readyz'), 'unavailable')
    const keys = [freshKey(), freshKey()]
    for (const [at, prefer] of ['wait=1', 'respond-async'].entries()) {
      const accepted = await api.post('/api/order', { key: keys[at] ?? '', json: anOrder, prefer, gateway: at })
      expect(accepted.status, accepted.body).toBe(202)
      // Nothing is decided, so nothing is told.
      expect(accepted.headers['idempotency-expires']).toBeUndefined()
      const location = accepted.headers['location'] ?? ''
      expect(statusOf(await api.get(location, { gateway: at })).state).toBe('pending')
    }
    expectReplay(await api.post('/api/order', { key: done, json: anOrder }), first)
    expect((await api.get(`/idempotency-keys/${done}`)).status).toBe(200)
    expect((await api.get('/livez')).status).toBe(200)

    await standIn.clearFaults()
    for (const key of keys) {
      // Nobody retries it.
      const status = await untilResolved(api, `/idempotency-keys/${key}`)
      expect(status).toMatchObject({ state: 'succeeded', generation: 1 })
      const replay = await api.post('/api/order', { key, json: anOrder })
      expect(replay.body).toBe(status.response?.body)
      expect((await stage().cluster.events(commandIdIn(replay))).map(({ type }) => type)).toEqual(['OrderPlaced'])
    }
    await until(async () => (await api.get('/readyz')).status === 200, { what: 'it is ready', timeoutMs })
  })

  test('it is away: 503 with Retry-After, and nothing is executed unprotected', async () => {
    const { api, standIn } = stage()
    const key = freshKey()
    await standIn.kill()
    for (const gateway of api.urls.keys()) {
      const refused = await api.post('/api/order', { key, json: anOrder, gateway })
      expectProblem(refused, 'unavailable')
      expect(refused.body).not.toMatch(/grpc|ECONNREFUSED|UNAVAILABLE|127\.0\.0\.1/)
      expectProblem(await api.get(`/idempotency-keys/${key}`, { gateway }), 'unavailable')
    }
    await standIn.restart()
    await until(async () => (await api.get(`/idempotency-keys/${key}`)).status === 404, {
      what: 'it is back',
      timeoutMs,
    })
    const placed = await until(
      async () => {
        const response = await api.post('/api/order', { key, json: anOrder })
        return response.status === 201 && response
      },
      { what: 'the order', timeoutMs },
    )
    expectExecuted(placed)
    expect(await stage().cluster.events(commandIdIn(placed))).toHaveLength(1)
  })
})
