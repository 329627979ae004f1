import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  CommandHandler,
  commandIdOf,
  defineApp,
  fingerprintOf,
  systemClock,
  systemIds,
  type Command,
  type CommandEnvelope,
  type IdempotencyKey,
  type Tenant,
} from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { describeWithKafka } from '@holdfast/testing/kafka'
import { createDeadLetterDesk } from '@holdfast/transport-kafka'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { silentLogger } from '../../packages/transport-kafka/src/logger.ts'
import { freshKey } from '../support/api.ts'
import { startStandInProcess } from '../support/distributed-event-store.ts'
import { startCluster } from '../support/distributed.ts'
import { deadLetters, publishedResults } from '../support/distributed-topics.ts'
import { app, lostNote, note } from './lease-app.ts'

const leaseMs = 2_000

const never = (): Promise<never> =>
  new Promise(() => {
    // Its process is gone before it ends.
  })

/** A handler that accepts a command and is gone; Kafka knows nothing of it. */
async function acceptAndDie(connectionString: string, key: string, command: Command = note): Promise<CommandEnvelope> {
  const store = createEventStoreDbEventStore({ connectionString })
  const stuck = defineApp({ name: 'stuck', commands: [{ ...command, handle: never }] })
  const handler = new CommandHandler({
    ...{ app: stuck, store, clock: systemClock, ids: systemIds, clockSkewMs: 0, graceMs: 0 },
    observer: {},
  })
  const receivedAtMs = Date.now()
  const envelope: CommandEnvelope = {
    ...{ v: 1, command: command.name, tenant: 'default' as Tenant, key: key as IdempotencyKey, input: { text: 'x' } },
    ...{ fingerprint: fingerprintOf(command.name, { text: 'x' }), attemptId: systemIds.attemptId(receivedAtMs) },
    ...{ requestId: systemIds.uuid(), receivedAtMs, seed: 1 },
  }
  await handler.dispatch(envelope).durable()
  await handler.close()
  await store.close()
  return envelope
}

/** A handler that appends the outcome and is gone before it publishes it. */
async function finishAndDie(connectionString: string, envelope: CommandEnvelope): Promise<void> {
  const store = createEventStoreDbEventStore({ connectionString })
  const handler = new CommandHandler({
    ...{ app, store, clock: systemClock, ids: systemIds, clockSkewMs: 0, graceMs: 0, observer: {} },
  })
  expect(await handler.dispatch(envelope).resolution).toMatchObject({ kind: 'outcome', outcome: 'succeeded' })
  await handler.close()
  await store.close()
}

describeWithKafka('a command that was accepted, and of which Kafka knows nothing any more', (kafka) => {
  test('is finished by a handler when its lease has run out, not before, and once', async () => {
    await using standIn = await startStandInProcess()
    await using cluster = await startCluster({
      app: fileURLToPath(new URL('lease-app.ts', import.meta.url)),
      env: { HOLDFAST_LEASE_MS: String(leaseMs), HOLDFAST_COMPLETER_MS: '100' },
      ...{ brokers: kafka().brokers, eventStore: standIn, gateways: 1, handlers: 2 },
    })
    const keys = Array.from({ length: 20 }, freshKey)
    for (const key of keys) await acceptAndDie(standIn.url, key)
    for (const key of keys) {
      const events = await until(
        async () => {
          const found = await cluster.events(commandIdOf('default' as Tenant, key as IdempotencyKey))
          return found.at(-1)?.metadata['outcome'] !== undefined && found
        },
        { what: 'its outcome', timeoutMs: 60_000 },
      )
      expect(events.map(({ type }) => type)).toEqual(['CommandAccepted', 'StepCompleted', 'NoteTaken'])
      const [accepted, ...others] = events
      // By one clock, the store's; the handlers' are this machine's as well.
      for (const { recordedAtMs } of others)
        expect(recordedAtMs - (accepted?.recordedAtMs ?? 0)).toBeGreaterThanOrEqual(leaseMs)
    }
  })

  test('and fails for good: its result is published, and its envelope is in the dead letters, to be sent again', async () => {
    await using standIn = await startStandInProcess()
    await using cluster = await startCluster({
      app: fileURLToPath(new URL('lease-app.ts', import.meta.url)),
      env: { HOLDFAST_LEASE_MS: String(leaseMs), HOLDFAST_COMPLETER_MS: '100' },
      ...{ brokers: kafka().brokers, eventStore: standIn, gateways: 1, handlers: 1 },
    })
    const { brokers } = kafka()
    const envelope = await acceptAndDie(standIn.url, freshKey(), lostNote)
    const letters = await until(
      async () => {
        const found = await deadLetters(brokers, cluster)
        return found.length > 0 && found
      },
      { what: 'its dead letter', timeoutMs: 60_000 },
    )
    expect(letters).toEqual([{ reason: 'command-failed', envelope }])
    const commandId = commandIdOf(envelope.tenant, envelope.key)
    expect((await cluster.events(commandId)).map(({ type }) => type)).toEqual(['CommandAccepted', 'CommandFailed'])
    expect([...(await publishedResults(brokers, cluster)).keys()]).toEqual([`${commandId}-1`])

    const desk = createDeadLetterDesk({
      connection: { brokers, logger: silentLogger },
      topicPrefix: cluster.topicPrefix,
    })
    const [letter] = await desk.list()
    expect(letter).toMatchObject({ reason: 'command-failed', source: '', envelope })
  })

  test('and was finished by a handler that died before it told anybody: its result is published by another', async () => {
    await using standIn = await startStandInProcess()
    const envelope = await acceptAndDie(standIn.url, freshKey())
    await setTimeout(leaseMs)
    await finishAndDie(standIn.url, envelope)
    await using cluster = await startCluster({
      app: fileURLToPath(new URL('lease-app.ts', import.meta.url)),
      env: { HOLDFAST_LEASE_MS: String(leaseMs), HOLDFAST_COMPLETER_MS: '100' },
      ...{ brokers: kafka().brokers, eventStore: standIn, gateways: 1, handlers: 1 },
    })
    const published = await until(
      async () => {
        const found = await publishedResults(kafka().brokers, cluster)
        return found.size > 0 && found
      },
      { what: 'its result', timeoutMs: 60_000 },
    )
    expect([...published.keys()]).toEqual([`${commandIdOf(envelope.tenant, envelope.key)}-1`])
  })
})
