import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '@holdfast/testing/kafka'
import kafkajs from 'kafkajs'
import { putLoad, type Load, type LoadResult } from '../load/wrk.ts'
import { median } from '../median.ts'
import { startBareLoop } from '../servers/kafka-loop-client.ts'
import { loopTopics } from '../servers/kafka-loop.ts'
import { freePort, startServer, type Server } from '../servers/start.ts'

const order = { method: 'POST', path: '/api/order', body: '{"product_id":"abc","quantity":2}' } as const
const app = join(import.meta.dirname, '../servers/pure-app.ts')

export interface DistributedOptions {
  readonly rounds: number
  readonly seconds: number
}

/** Figures at one number of connections: medians over the rounds. */
export interface DistributedRow {
  readonly connections: number
  readonly loop: LoadResult
  readonly fresh: LoadResult
  /** Medians of the ratio within a round: throughput, and p50. */
  readonly throughputRatio: number
  readonly p50Ratio: number
}

export interface DistributedReport {
  readonly rows: readonly DistributedRow[]
  /** Replays at 64 connections from another gateway than the first. */
  readonly replay: LoadResult
  /** Fresh keys/s at 64 connections for gateway, with one and with two handlers. */
  readonly secondHandler: readonly [one: number, two: number]
}

/** One gateway and one handler on a real broker and EventStoreDB's protocol, beside the bare loop, interleaved. */
export async function benchDistributed(options: DistributedOptions): Promise<DistributedReport> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const kafka = await startKafka()
  const brokers = kafka.brokers.join(',')
  const storePort = await freePort()
  const store = await startServer('packages/testing/src/eventstore-stand-in/main.ts', () => ({
    HOLDFAST_STANDIN_PORT: String(storePort),
    HOLDFAST_STANDIN_DATA: join(folder, 'events.log'),
  }))
  const eventstore = `esdb://127.0.0.1:${storePort}?tls=false`
  const service = (name: 'gateway' | 'handler'): Promise<Server> =>
    startServer(`services/${name}/src/main.ts`, (port) => ({
      HOLDFAST_PORT: String(port),
      HOLDFAST_APP: app,
      HOLDFAST_KAFKA_BROKERS: brokers,
      HOLDFAST_EVENTSTORE_URL: eventstore,
      HOLDFAST_LOG_LEVEL: 'info',
    }))
  const servers: { stop(): Promise<void> }[] = [store]
  try {
    await createLoopTopics(brokers)
    const loop = await startBareLoop({ BROKERS: brokers, EVENTSTORE_URL: eventstore })
    servers.push(loop)
    const [gateway, other, handler] = await Promise.all([service('gateway'), service('gateway'), service('handler')])
    servers.push(gateway, other, handler)
    const fresh = (load: Partial<Load> & Pick<Load, 'prefix' | 'connections'>): Promise<LoadResult> =>
      putLoad({ ...order, url: gateway.url, mode: 'fresh', seconds: options.seconds, ...load })
    await fresh({ prefix: 'warm', connections: 64 })
    await loop.measure(64, options.seconds)
    const rows: DistributedRow[] = []
    for (const connections of [1, 16, 64, 256]) {
      const rounds: { readonly loop: LoadResult; readonly fresh: LoadResult }[] = []
      for (let round = 0; round < options.rounds; round++) {
        const floor = await loop.measure(connections, options.seconds)
        rounds.push({ loop: floor, fresh: await fresh({ prefix: `c${connections}r${round}`, connections }) })
      }
      rows.push(rowOf(connections, rounds))
    }
    const replay = await putLoad({
      ...order,
      url: other.url,
      mode: 'replay',
      prefix: 'c64r0',
      keys: 2_000,
      connections: 64,
      seconds: options.seconds,
    })
    const one = await fresh({ prefix: 'one', connections: 64 })
    servers.push(await service('handler'))
    await fresh({ prefix: 'settle', connections: 64 })
    const two = await fresh({ prefix: 'two', connections: 64 })
    return { rows, replay, secondHandler: [one.requestsPerSecond, two.requestsPerSecond] }
  } finally {
    for (const server of servers.reverse()) await server.stop()
    await kafka.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function rowOf(
  connections: number,
  rounds: readonly { readonly loop: LoadResult; readonly fresh: LoadResult }[],
): DistributedRow {
  const middle = (results: readonly LoadResult[]): LoadResult => ({
    requests: median(results.map((each) => each.requests)),
    requestsPerSecond: median(results.map((each) => each.requestsPerSecond)),
    p50Ms: median(results.map((each) => each.p50Ms)),
    p99Ms: median(results.map((each) => each.p99Ms)),
  })
  return {
    connections,
    loop: middle(rounds.map((each) => each.loop)),
    fresh: middle(rounds.map((each) => each.fresh)),
    throughputRatio: median(rounds.map((each) => each.fresh.requestsPerSecond / each.loop.requestsPerSecond)),
    p50Ratio: median(rounds.map((each) => each.fresh.p50Ms / each.loop.p50Ms)),
  }
}

async function createLoopTopics(brokers: string): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: Object.values(loopTopics).map((topic) => ({ topic, numPartitions: 12, replicationFactor: 1 })),
    waitForLeaders: true,
  })
  await admin.disconnect()
}
