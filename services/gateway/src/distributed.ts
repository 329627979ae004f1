import { loadAppModule, type Settings } from '@holdfast/config'
import {
  CommandGateway,
  createStoreResultFeed,
  isApp,
  resolveFromStream,
  sendSeeds,
  shareResults,
  systemClock,
  systemIds,
} from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { createMetrics, type Logger } from '@holdfast/observability'
import { createKafkaCommandTransport } from '@holdfast/transport-kafka'
import { buildGateway } from './app.ts'
import { closeInOrder } from './close-in-order.ts'
import { openProjectionReading } from './projection-reading.ts'
import { visibleWhenDurable } from './visible-when-durable.ts'

export interface DistributedGateway {
  /** Where it listens. */
  readonly url: string
  /** Resolves when commands can be taken for the first time: brokers that are away are waited for. */
  readonly started: Promise<void>
  stop(): Promise<void>
}

/** The gateway of the distributed runtime: commands to Kafka, the truth from EventStoreDB. Any number side by side. */
export async function startDistributedGateway(settings: Settings, log: Logger): Promise<DistributedGateway> {
  const app = await loadAppModule(settings.APP, isApp)
  const instanceId = settings.INSTANCE_ID === '' ? `gateway-${systemIds.uuid()}` : settings.INSTANCE_ID
  const clockSkewMs = settings.CLOCK_SKEW_MS
  const store = createEventStoreDbEventStore({ connectionString: settings.EVENTSTORE_URL, logger: log })
  const transport = createKafkaCommandTransport({
    brokers: settings.KAFKA_BROKERS,
    instanceId,
    topicPrefix: settings.KAFKA_TOPIC_PREFIX,
    partitions: {
      commands: settings.KAFKA_PARTITIONS,
      results: settings.KAFKA_PARTITIONS,
      replies: settings.KAFKA_REPLY_PARTITIONS,
    },
    replicationFactor: settings.KAFKA_REPLICATION,
    publishTimeoutMs: settings.DURABLE_TIMEOUT_MS,
    logger: log,
    lookup: async (envelope) => {
      const command = app.command(envelope.command)
      return command && resolveFromStream(envelope, { store, command, clockSkewMs })
    },
  })
  const gateway = new CommandGateway({
    transport: visibleWhenDurable(transport, { app, store, clock: systemClock, clockSkewMs }),
    store,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs,
    maxInFlight: settings.MAX_IN_FLIGHT,
    durableTimeoutMs: settings.DURABLE_TIMEOUT_MS,
    readFirst: true,
  })
  const metrics = createMetrics()
  metrics.watch({ answering: () => gateway.answering, keysInFlight: () => gateway.keysInFlight })
  const results = shareResults(
    createStoreResultFeed({
      store,
      onUnreadable: ({ stream, revision }, error) => {
        log.error({ err: error, stream, revision: String(revision) }, 'an event cannot be understood: it is no result')
      },
    }),
  )
  const projections = openProjectionReading({ app, events: store, settings, log, instanceId })
  const stopping = new AbortController()
  const ready = (): boolean => !stopping.signal.aborted && transport.ready()
  const server = await buildGateway({
    app,
    gateway,
    store,
    results,
    projections: projections?.reader,
    ids: systemIds,
    metrics,
    log,
    settings,
    ready,
    stopping: stopping.signal,
  })
  const url = await server.listen({ host: settings.HOST, port: settings.PORT })
  if (app.notice !== undefined) log.info(app.notice)
  const seeded = async (): Promise<void> => {
    await transport.started
    // Sent, not waited for: there may be no handler yet.
    for (const answer of await sendSeeds(app, { gateway, ids: systemIds, waitMs: 0 })) {
      if (answer.kind === 'refused') log.warn({ code: answer.code, err: answer.cause }, 'a seed was refused')
    }
  }
  return {
    url,
    started: seeded(),
    async stop() {
      stopping.abort()
      await closeInOrder({ server, gateway, drainMs: settings.DRAIN_MS })
      await transport.close()
      await Promise.all([projections?.close(), store.close()])
    },
  }
}
