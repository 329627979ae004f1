import { fileURLToPath } from 'node:url'
import { commandStreamPrefix, type EventStore, type RecordedEvent } from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { startEventStore } from '@holdfast/testing/eventstore-stand-in'
import type { KafkaBroker } from '@holdfast/testing/kafka'
import type { ClusterEventStore } from './distributed-event-store.ts'
import { startNode, type ServiceNode } from './distributed-node.ts'
import type { StartTestServer, TestServer, TestServerOptions } from './server.ts'

export interface ClusterOptions extends TestServerOptions {
  /** `host:port` of the brokers; each cluster has topics of its own there. */
  readonly brokers: readonly string[]
  /** Stays the caller's: it is not closed with the cluster. */
  readonly eventStore: ClusterEventStore
  /** Default 2. */
  readonly gateways?: number
  /** Default 2. */
  readonly handlers?: number
  /** Projectors, for which `env` must name the read store. Default 0. */
  readonly projectors?: number
  /** Partitions of the commands. Default 4: few, so that the start is fast. */
  readonly partitions?: number
}

/** The distributed runtime with a handle on each of its processes. Disposing it kills them. */
export interface Cluster extends TestServer {
  readonly gateways: readonly ServiceNode[]
  readonly handlers: readonly ServiceNode[]
  readonly projectors: readonly ServiceNode[]
  readonly topicPrefix: string
  /** Every key's stream in the event store, by command id. */
  streams(): Promise<ReadonlyMap<string, readonly RecordedEvent[]>>
  /** Another handler in the same group; it ends with the cluster. */
  addHandler(env?: Readonly<Record<string, string>>): Promise<ServiceNode>
  /** Another projector, which may serve another application; it ends with the cluster. */
  addProjector(env?: Readonly<Record<string, string>>): Promise<ServiceNode>
}

const entries = {
  gateway: fileURLToPath(new URL('../../services/gateway/src/main.ts', import.meta.url)),
  handler: fileURLToPath(new URL('../../services/handler/src/main.ts', import.meta.url)),
  projector: fileURLToPath(new URL('../../services/projector/src/main.ts', import.meta.url)),
} as const

/** Starts gateways, handlers and projectors as processes, and waits until all of them are ready. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { eventStore } = options
  const topicPrefix = `test-${crypto.randomUUID().slice(0, 13)}`
  const env = {
    HOLDFAST_APP: options.app,
    HOLDFAST_KAFKA_BROKERS: options.brokers.join(','),
    HOLDFAST_KAFKA_TOPIC_PREFIX: topicPrefix,
    HOLDFAST_KAFKA_PARTITIONS: String(options.partitions ?? 4),
    HOLDFAST_KAFKA_REPLY_PARTITIONS: String(options.gateways ?? 2),
    HOLDFAST_EVENTSTORE_URL: eventStore.url,
    ...options.env,
  }
  const nodes: ServiceNode[] = []
  const start = async (entry: string, changed: Readonly<Record<string, string>> = {}): Promise<ServiceNode> => {
    const node = await startNode({ entry, env: { ...env, ...changed } })
    nodes.push(node)
    return node
  }
  const several = (entry: string, count: number) => Array.from({ length: count }, () => start(entry))
  const store = createEventStoreDbEventStore({ connectionString: eventStore.url })
  const dispose = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    await store.close()
  }
  const starting = {
    gateways: several(entries.gateway, options.gateways ?? 2),
    handlers: several(entries.handler, options.handlers ?? 2),
    projectors: several(entries.projector, options.projectors ?? 0),
  }
  const settled = await Promise.allSettled(Object.values(starting).flat())
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed !== undefined) {
    await dispose()
    throw failed.reason
  }
  const gateways = await Promise.all(starting.gateways)
  const handlers = await Promise.all(starting.handlers)
  const projectors = await Promise.all(starting.projectors)
  return {
    gateways,
    handlers,
    projectors,
    topicPrefix,
    urls: gateways.map(({ url }) => url),
    metricsUrls: [...gateways, ...handlers, ...projectors].map(({ url }) => url),
    logLines: () => nodes.flatMap((node) => node.logLines()),
    events: (commandId): Promise<readonly RecordedEvent[]> =>
      store.read(`${commandStreamPrefix}${commandId}`, { direction: 'forwards', maxCount: 10_000 }),
    streams: () => readStreams(store),
    addHandler: (changed) => start(entries.handler, changed),
    addProjector: (changed) => start(entries.projector, changed),
    [Symbol.asyncDispose]: dispose,
  }
}

async function readStreams(store: EventStore): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
  const streams = new Map<string, RecordedEvent[]>()
  const stop = new AbortController()
  for await (const batch of store.subscribe({ prefix: commandStreamPrefix, signal: stop.signal })) {
    for (const event of batch.events) {
      const commandId = event.stream.slice(commandStreamPrefix.length)
      const events = streams.get(commandId)
      if (events === undefined) streams.set(commandId, [event])
      else events.push(event)
    }
    if (batch.caughtUp) stop.abort()
  }
  return streams
}

/**
 * The factory of the suites that every runtime runs: two gateways and two handlers on the broker of the test file, and an
 * event store of its own (`HOLDFAST_EVENTSTORE_URL`, a container, or the stand-in).
 *
 * `breakStore` is absent: here a command is durable in Kafka before the store is asked to take it, so that a store which
 * takes no writes does not make the gateway refuse. What happens then is in `distributed/store-outage.e2e.test.ts`.
 */
export const startDistributed =
  (kafka: () => KafkaBroker): StartTestServer =>
  async (options) => {
    const eventStore = await startEventStore()
    const cluster = await startCluster({ ...options, brokers: kafka().brokers, eventStore }).catch(
      async (error: unknown) => {
        await eventStore[Symbol.asyncDispose]()
        throw error
      },
    )
    return {
      ...cluster,
      async [Symbol.asyncDispose]() {
        await cluster[Symbol.asyncDispose]()
        await eventStore[Symbol.asyncDispose]()
      },
    }
  }
