import { loadAppModule, SettingsError, type Settings } from '@holdfast/config'
import {
  CommandHandler,
  isApp,
  resultsOf,
  startCompleter,
  startHistorySweep,
  type App,
  systemClock,
  systemIds,
} from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { createMetrics, startHealthServer, type Logger } from '@holdfast/observability'
import { createKafkaCommandConsumer, createKafkaResultPublisher } from '@holdfast/transport-kafka'
import { acceptedIfSlow } from './accepted-if-slow.ts'
import { publishReleases } from './publish-releases.ts'
import { publishing } from './publishing.ts'

export interface Handler {
  /** Where `/livez`, `/readyz` and `/metrics` are. */
  readonly url: string
  /** Resolves when this handler has joined its group for the first time: brokers that are away are waited for. */
  readonly started: Promise<void>
  stop(): Promise<void>
}

/** The command handler of the distributed runtime: commands from Kafka, outcomes to EventStoreDB. Any number side by side. */
export async function startHandler(settings: Settings, log: Logger): Promise<Handler> {
  const app = await loadAppModule(settings.APP, isApp)
  checkLease(app, settings)
  const metrics = createMetrics()
  const store = createEventStoreDbEventStore({ connectionString: settings.EVENTSTORE_URL, logger: log })
  const handler = new CommandHandler({
    app,
    store,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: settings.CLOCK_SKEW_MS,
    graceMs: settings.DRAIN_MS,
    expectFresh: true,
    observer: {
      attemptFailed: ({ envelope, commandId, attempt, error }) => {
        metrics.attemptFailed(envelope.command)
        log.warn(
          { err: error, commandId, command: envelope.command, attempt, reqId: envelope.requestId },
          'a try failed',
        )
      },
      decided: ({ envelope, outcome }) => {
        metrics.outcome(envelope.command, outcome)
      },
    },
  })
  const kafka = {
    brokers: settings.KAFKA_BROKERS,
    topicPrefix: settings.KAFKA_TOPIC_PREFIX,
    partitions: {
      commands: settings.KAFKA_PARTITIONS,
      results: settings.KAFKA_PARTITIONS,
      replies: settings.KAFKA_REPLY_PARTITIONS,
    },
    replicationFactor: settings.KAFKA_REPLICATION,
    logger: log,
  }
  const consumer = createKafkaCommandConsumer({
    ...kafka,
    sessionTimeoutMs: settings.KAFKA_SESSION_MS,
    concurrency: settings.HANDLER_WINDOW,
    drainTimeoutMs: settings.DRAIN_MS,
    process: async (envelope) => {
      const resolution = await acceptedIfSlow(handler.dispatch(envelope))
      return { resolution, results: await resultsOf(store, envelope, resolution) }
    },
  })
  const publisher = createKafkaResultPublisher(kafka)
  const stopping = new AbortController()
  const releases = publishReleases({
    store,
    consumer,
    publisher,
    clock: systemClock,
    log,
    signal: stopping.signal,
  })
  const completer = startCompleter({
    store,
    checkpoints: store.checkpoints,
    transport: publishing(handler, { store, publisher }),
    clock: systemClock,
    leaseMs: settings.LEASE_MS,
    everyMs: settings.COMPLETER_MS,
    onRecovered: ({ found, unreadable }) => {
      if (found > 0) log.info({ found }, 'finished what was accepted and had no outcome')
      if (unreadable.length > 0) log.error({ streams: unreadable }, 'these streams cannot be understood')
    },
    onFault: (error) => {
      log.warn({ err: error }, 'accepted commands could not be looked through; it is tried again')
    },
  })
  const history = startHistorySweep({
    app,
    store,
    checkpoints: store.checkpoints,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: settings.CLOCK_SKEW_MS,
    everyMs: settings.HISTORY_SWEEP_MS,
    onSwept: ({ removed, tooLarge }) => {
      if (removed > 0) log.info({ removed }, 'removed the history of keys that had expired')
      if (tooLarge.length > 0) log.warn({ streams: tooLarge }, 'these streams have too many events to be removed')
    },
    onFault: (error) => {
      log.warn({ err: error }, 'expired history could not be looked through; it is tried again')
    },
  })
  const health = await startHealthServer({
    host: settings.HOST,
    port: settings.PORT,
    metrics,
    ready: async () => {
      await store.checkWritable()
      return consumer.ready()
    },
  })
  return {
    url: health.url,
    started: consumer.started,
    async stop() {
      await consumer.close()
      stopping.abort()
      const completed = Promise.all([completer.stop(), history.stop()])
      await handler.close()
      await publisher.close()
      await completed
      await releases
      await store.close()
      await health.close()
    },
  }
}

/** A lease that ends while a try still runs would have two handlers work on one command. @throws SettingsError */
function checkLease(app: App, settings: Settings): void {
  const longest = app.commands.toSorted((a, b) => b.retry.timeoutMs - a.retry.timeoutMs)[0]
  if (longest === undefined || longest.retry.timeoutMs < settings.LEASE_MS) return
  throw new SettingsError(
    `HOLDFAST_LEASE_MS=${settings.LEASE_MS} is not allowed: it must be longer than the ${longest.retry.timeoutMs} ms that a try of "${longest.name}" may take`,
  )
}
