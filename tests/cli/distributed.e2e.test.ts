import { fileURLToPath } from 'node:url'
import type { VerifyReport } from '@holdfast/audit'
import type { KeyTimeline } from '@holdfast/cli'
import { startTemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import { describeWithKafka } from '@holdfast/testing/kafka'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { startCluster } from '../support/distributed.ts'
import { holdfast, jsonOf } from './holdfast.ts'

const operatorKeys = 'otto=operator-key-0123456789'
const app = fileURLToPath(new URL('./sales-app.ts', import.meta.url))

interface Listed {
  readonly letters: readonly { readonly place: string; readonly key: string; readonly reason: string }[]
}

describeWithKafka('holdfast on the distributed runtime', (kafka) => {
  test('dead letters are listed, and retried once their keys are free; the audit finds the results on Kafka', async () => {
    await using standIn = await startTemporaryStandIn()
    const { brokers } = kafka()
    const eventStore = { url: standIn.current.url, [Symbol.asyncDispose]: () => Promise.resolve() }
    const settings = { HOLDFAST_OPERATOR_KEYS: operatorKeys }
    await using cluster = await startCluster({ app, brokers, eventStore, gateways: 1, handlers: 1, env: settings })
    const [gateway = ''] = cluster.urls
    const answer = await fetch(`${gateway}/sales`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'broken-1' },
      body: JSON.stringify({ product: 'broken', quantity: 1 }),
    })
    expect(answer.status).toBe(500)

    const env = {
      ...settings,
      HOLDFAST_APP: app,
      HOLDFAST_EVENTSTORE_URL: eventStore.url,
      HOLDFAST_KAFKA_BROKERS: brokers.join(','),
      HOLDFAST_KAFKA_TOPIC_PREFIX: cluster.topicPrefix,
    }
    const run = (...args: readonly string[]) => holdfast(args, { env })
    const letters = async () => jsonOf<Listed>(await run('dead-letters', 'list', '--json')).letters
    await until(async () => (await letters()).length === 1, { what: 'the dead letter', timeoutMs: 60_000 })
    const [letter] = await letters()
    expect(letter).toMatchObject({ key: 'broken-1', reason: 'command-failed' })
    const place = letter?.place ?? ''

    const refused = await run('dead-letters', 'retry', place)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('--release releases the key first')
    expect((await run('dead-letters', 'retry', '0:999')).code).toBe(4)
    const retried = await run('dead-letters', 'retry', place, '--release', '--gateway', gateway, '--json')
    expect(retried).toMatchObject({ code: 0, stderr: '' })
    expect(jsonOf(retried)).toEqual({ retried: [place], released: ['broken-1'] })
    // It fails again, as a generation of its own.
    const generations = async () =>
      jsonOf<KeyTimeline>(await run('keys', 'show', 'broken-1', '--json')).generations.map(({ state }) => state)
    await until(async () => (await generations()).length === 2, { what: 'the second generation', timeoutMs: 60_000 })
    await until(async () => (await generations())[1] === 'failed', { what: 'its outcome', timeoutMs: 60_000 })
    expect(await generations()).toEqual(['released', 'failed'])
    await until(async () => (await letters()).length === 2, { what: 'the second letter', timeoutMs: 60_000 })

    const verified = await run('audit', 'verify', '--json', '--no-projections')
    expect(verified.code).toBe(0)
    const report = jsonOf<VerifyReport>(verified)
    expect(report).toMatchObject({ sound: true, findings: [], outcomes: { failed: 2, released: 1 } })
    expect(report.results?.onTopic).toBeGreaterThanOrEqual(2)
  })
})
