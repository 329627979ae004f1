import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import type { KafkaBroker } from '@holdfast/testing/kafka'
import { temporaryFolder } from '@holdfast/testing/processes'
import { createApi } from '../support/api.ts'
import { startStandInProcess, type StandInProcess } from '../support/distributed-event-store.ts'
import { startCluster, type Cluster } from '../support/distributed.ts'
import { createClient } from './client.ts'
import { createCrasher } from './crash-points.ts'
import { startProviders } from './providers.ts'
import { readHistories, shopSettings, type Shop } from './shop.ts'

export interface DistributedShop extends Shop {
  readonly cluster: Cluster
  readonly standIn: StandInProcess
}

export interface DistributedShopOptions {
  readonly settings?: Readonly<Record<string, string>>
  /** Default 2. */
  readonly handlers?: number
  /** Default 4. */
  readonly partitions?: number
}

/** Nearly all the time that a crash costs here is the dead handler's session. */
const sessionMs = 1_500

/** The order service as gateways and handlers, on the broker of the test file and an event store of its own. */
export async function startDistributedShop(
  kafka: KafkaBroker,
  { settings, ...sizes }: DistributedShopOptions = {},
): Promise<DistributedShop> {
  await using resources = new AsyncDisposableStack()
  const folder = resources.use(await temporaryFolder('holdfast-steps'))
  const providers = resources.use(await startProviders(folder.path))
  const standIn = resources.use(await startStandInProcess())
  const crasher = createCrasher(folder.path)
  const { HOLDFAST_APP: app, ...shared } = shopSettings
  const env = { ...shared, ...providers.env, ...crasher.env, HOLDFAST_KAFKA_SESSION_MS: String(sessionMs), ...settings }
  const cluster = resources.use(await startCluster({ app, env, brokers: kafka.brokers, eventStore: standIn, ...sizes }))
  const store = createEventStoreDbEventStore({ connectionString: standIn.url })
  resources.defer(() => store.close())
  const owned = resources.move()
  const api = createApi(cluster.urls)
  return {
    api,
    client: createClient(api),
    providers,
    crasher,
    nodes: [...cluster.gateways, ...cluster.handlers],
    histories: () => readHistories(store),
    cluster,
    standIn,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
