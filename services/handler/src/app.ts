import { loadAppModule, type Settings } from '@holdfast/config'
import { CommandHandler, isApp, systemClock, systemIds } from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { createMetrics, startHealthServer, type Logger } from '@holdfast/observability'
import { createKafkaCommandConsumer } from '@holdfast/transport-kafka'
import { resultEventOf } from './result-event.ts'

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
  const metrics = createMetrics()
  const store = createEventStoreDbEventStore({ connectionString: settings.EVENTSTORE_URL, logger: log })
  const handler = new CommandHandler({
    app,
    store,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: settings.CLOCK_SKEW_MS,
    graceMs: settings.DRAIN_MS,
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
  const consumer = createKafkaCommandConsumer({
    brokers: settings.KAFKA_BROKERS,
    topicPrefix: settings.KAFKA_TOPIC_PREFIX,
    partitions: {
      commands: settings.KAFKA_PARTITIONS,
      results: settings.KAFKA_PARTITIONS,
      replies: settings.KAFKA_REPLY_PARTITIONS,
    },
    replicationFactor: settings.KAFKA_REPLICATION,
    concurrency: settings.HANDLER_WINDOW,
    drainTimeoutMs: settings.DRAIN_MS,
    logger: log,
    process: async (envelope) => {
      const resolution = await handler.dispatch(envelope).resolution
      const result = resultEventOf(envelope, resolution)
      return { resolution, ...(result && { result }) }
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
      await handler.close()
      await store.close()
      await health.close()
    },
  }
}
