import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { barChart } from '@holdfast/report'
import kafkajs from 'kafkajs'
import { z } from 'zod'
import { putLoad, type Load, type LoadResult } from '../load/wrk.ts'
import { measure, measured, middle, type Measured } from '../measure.ts'
import { median } from '../median.ts'
import { definePart, type Section, type Setting } from '../part.ts'
import { cpuSecondsOf } from '../process-tree.ts'
import { ratioFigure } from '../report/figures.ts'
import { count, micros, ms, ratio, table } from '../report/format.ts'
import { startBareLoop, type BareLoop } from '../servers/kafka-loop-client.ts'
import { loopTopics } from '../servers/kafka-loop.ts'
import type { NodeServer } from '../servers/node-server.ts'
import { bare } from '../systems/bare.ts'
import { holdfastPaths } from '../systems/holdfast.ts'
import { startKafkaInstallation } from '../systems/kafka-installation.ts'
import { orderBody, pidsOf, stopSystem, type System } from '../systems/system.ts'

const mainConnections = 64
/** Four processes, each with little to do for a single command: it takes thousands until the code that runs is compiled. */
const longWarmUpSeconds = 15

const result = z.object({
  /** CPU is that of everything, the load generator too. */
  rows: z.array(z.object({ connections: z.number(), rounds: z.array(z.object({ loop: measured, fresh: measured })) })),
  /** At 64 connections: bare Fastify, replays from another gateway than the first, orders of three steps. */
  beside: z.array(z.object({ bare: measured, fresh: measured, replay: measured, three: measured })),
  /** Fresh keys over 64 connections in all, with one and two of each; CPU is that of everything, the load generator too. */
  growth: z.array(z.object({ gateways: z.number(), handlers: z.number(), rounds: z.array(measured) })),
  memoryMb: z.object({ gateway: z.number(), handler: z.number() }),
})

type Result = z.infer<typeof result>

interface Installation {
  readonly loop: BareLoop
  readonly floor: System
  readonly gateway: NodeServer
  readonly otherGateway: NodeServer
  readonly handler: NodeServer
  startHandler(): Promise<NodeServer>
}

/** One gateway and one handler on a real broker and EventStoreDB's protocol, beside the bare loop, interleaved. */
async function measureAll(setting: Setting): Promise<Result> {
  return withInstallation(async (installed) => {
    const { loop, gateway, otherGateway, handler, floor } = installed
    const pids = [gateway.pid(), handler.pid()]
    const seconds = setting.seconds
    const load = (of: Pick<Load, 'prefix' | 'connections'> & Partial<Load>): Load => ({
      url: gateway.url,
      mode: 'fresh',
      path: holdfastPaths.plain,
      body: orderBody,
      seconds,
      ...of,
    })
    const warmUpSeconds = setting.quick ? seconds : longWarmUpSeconds
    await putLoad(load({ prefix: 'warm', connections: mainConnections, seconds: warmUpSeconds }))
    await loop.measure(mainConnections, warmUpSeconds)
    const rows: Result['rows'] = []
    for (const connections of [1, 16, mainConnections, 256]) {
      const rounds: Result['rows'][number]['rounds'] = []
      for (let round = 1; round <= setting.rounds; round++) {
        const prefix = `c${connections}r${round}`
        rounds.push({
          loop: await withCpu(() => loop.measure(connections, seconds)),
          fresh: await withCpu(() => putLoad(load({ prefix, connections }))),
        })
      }
      rows.push({ connections, rounds })
      console.log(`${connections} connections: done`)
    }
    const beside: Result['beside'] = []
    for (let round = 1; round <= setting.rounds; round++) {
      const at = (prefix: string): { prefix: string; connections: number } => ({
        prefix: `b${round}${prefix}`,
        connections: mainConnections,
      })
      const floorFigures = await measure(
        pidsOf(floor),
        load({ ...at('floor'), url: floor.url, path: floor.paths.plain ?? '' }),
      )
      const fresh = await measure(pids, load(at('fresh')))
      const keys = Math.max(1, fresh.requests - mainConnections)
      const replay = await measure(
        [otherGateway.pid(), handler.pid()],
        load({ ...at('fresh'), url: otherGateway.url, mode: 'replay', keys }),
      )
      const three = await measure(pids, load({ ...at('three'), path: holdfastPaths['three steps'] }))
      beside.push({ bare: floorFigures, fresh, replay, three })
    }
    const memoryMb = { gateway: gateway.peakMemoryMb(), handler: handler.peakMemoryMb() }
    const growth: Result['growth'] = []
    for (const handlers of [1, 2]) {
      if (handlers === 2) await installed.startHandler()
      const urls = [gateway.url, otherGateway.url]
      // Until the group has its new shares, and the gateways know that keys are new.
      await spread(urls, load({ prefix: `settle${handlers}`, connections: mainConnections }))
      const one: Measured[] = []
      const two: Measured[] = []
      for (let round = 1; round <= setting.rounds; round++) {
        const at = { prefix: `g${handlers}r${round}`, connections: mainConnections }
        one.push(await spread(urls.slice(0, 1), load({ ...at, prefix: `${at.prefix}one` })))
        two.push(await spread(urls, load({ ...at, prefix: `${at.prefix}two` })))
      }
      growth.push({ gateways: 1, handlers, rounds: one }, { gateways: 2, handlers, rounds: two })
    }
    return { rows, beside, growth, memoryMb }
  })
}

/** A load together with the processor time of all that this process has started, for each request. */
async function withCpu(put: () => Promise<LoadResult>): Promise<Measured> {
  const before = cpuSecondsOf([process.pid])
  const of = await put()
  return { ...of, cpuMicros: ((cpuSecondsOf([process.pid]) - before) * 1e6) / Math.max(1, of.requests) }
}

/** One load over several gateways. */
function spread(urls: readonly string[], load: Load): Promise<Measured> {
  return withCpu(async () => {
    const connections = load.connections / urls.length
    const parts = await Promise.all(
      urls.map((url, at) => putLoad({ ...load, url, connections, prefix: `${load.prefix}-${at}` })),
    )
    const sum = (figure: (each: LoadResult) => number): number => parts.reduce((all, each) => all + figure(each), 0)
    return {
      requests: sum((each) => each.requests),
      requestsPerSecond: sum((each) => each.requestsPerSecond),
      p50Ms: sum((each) => each.p50Ms) / parts.length,
      p99Ms: Math.max(...parts.map((each) => each.p99Ms)),
    }
  })
}

async function withInstallation<T>(use: (installed: Installation) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const installation = await startKafkaInstallation(folder)
  let loop: BareLoop | undefined
  let floor: System | undefined
  try {
    const { brokers, eventstore } = installation
    await createLoopTopics(brokers)
    loop = await startBareLoop({ BROKERS: brokers, EVENTSTORE_URL: eventstore })
    floor = await bare.start({ folder })
    return await use({
      loop,
      floor,
      gateway: await installation.service('gateway'),
      otherGateway: await installation.service('gateway'),
      handler: await installation.service('handler'),
      startHandler: () => installation.service('handler'),
    })
  } finally {
    await loop?.stop()
    if (floor !== undefined) await stopSystem(floor)
    await installation.stop()
    await rm(folder, { recursive: true, force: true })
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

async function report({ rows, beside, growth, memoryMb }: Result): Promise<Section> {
  const throughput = (rounds: Result['rows'][number]['rounds']): number =>
    median(rounds.map(({ loop, fresh }) => fresh.requestsPerSecond / loop.requestsPerSecond))
  const p50 = (rounds: Result['rows'][number]['rounds']): number =>
    median(rounds.map(({ loop, fresh }) => fresh.p50Ms / loop.p50Ms))
  const roundsAt = (connections: number): Result['rows'][number]['rounds'] =>
    rows.find((row) => row.connections === connections)?.rounds ?? []
  const besideRow = (name: string, figure: (each: Result['beside'][number]) => Measured): readonly string[] => {
    const of = middle(beside.map(figure))
    const ofBare = median(beside.map((each) => figure(each).requestsPerSecond / each.bare.requestsPerSecond))
    return [name, count(of.requestsPerSecond), ms(of.p50Ms), ms(of.p99Ms), micros(of.cpuMicros), ratio(ofBare)]
  }
  return {
    charts: [
      {
        name: 'distributed',
        alt: 'Commands per second of the bare loop and of Holdfast by connections',
        svg: await barChart({
          title: 'Commands per second, distributed',
          subtitle: 'Fresh keys; medians over the rounds',
          categories: rows.map(({ connections }) => `${connections} connection${connections === 1 ? '' : 's'}`),
          series: [
            {
              name: 'bare KafkaJS loop',
              values: rows.map((row) => middle(row.rounds.map(({ loop }) => loop)).requestsPerSecond),
            },
            {
              name: 'Holdfast',
              values: rows.map((row) => middle(row.rounds.map(({ fresh }) => fresh)).requestsPerSecond),
            },
          ],
        }),
      },
    ],
    figures: [
      ratioFigure(
        'distributed, fresh, vs the bare KafkaJS loop with one append',
        { min: 0.7 },
        throughput(roundsAt(mainConnections)),
      ),
      ratioFigure('distributed, fresh p50 at one connection, vs that loop', { max: 1.5 }, p50(roundsAt(1))),
    ],
    markdown: [
      'One gateway and one handler on a real Kafka broker and the EventStoreDB stand-in, beside a bare loop on the same two',
      '(produce → consume → append → produce → consume, no HTTP, no result; KafkaJS and the client as they come, without Holdfast’s changes to them), interleaved. Medians over the rounds. CPU is the',
      'processor time for each command of everything: both ends, broker, store, load generator.',
      '',
      ...table(
        [
          ...['connections', 'loop/s', 'loop p50 ms', 'loop p99 ms', 'loop CPU µs'],
          ...['Holdfast/s', 'p50 ms', 'p99 ms', 'CPU µs', 'throughput', 'p50'],
        ],
        rows.map(({ connections, rounds }) => {
          const [loop, fresh] = [middle(rounds.map((each) => each.loop)), middle(rounds.map((each) => each.fresh))]
          return [
            count(connections),
            ...[loop, fresh].flatMap((each) => [
              count(each.requestsPerSecond),
              ...[ms(each.p50Ms), ms(each.p99Ms), micros(each.cpuMicros)],
            ]),
            ratio(throughput(rounds)),
            ratio(p50(rounds)),
          ]
        }),
      ),
      '',
      `At ${mainConnections} connections, beside bare Fastify (CPU is that of gateway and handler, without broker and store):`,
      '',
      ...table(
        ['load', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'of bare Fastify'],
        [
          besideRow('bare Fastify', (each) => each.bare),
          besideRow('fresh keys', (each) => each.fresh),
          besideRow('replays from another gateway than the first', (each) => each.replay),
          besideRow('orders of three steps', (each) => each.three),
        ],
      ),
      '',
      `More of each, fresh keys over ${mainConnections} connections in all. CPU is that of everything on the machine's processors: gateways, handlers,`,
      'broker, store and load generator; what they have in all, divided by it, is the most that any number of them can do there.',
      '',
      ...table(
        ['gateways', 'handlers', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'the most/s'],
        growth.map(({ gateways, handlers, rounds }) => {
          const of = middle(rounds)
          const most = (availableParallelism() * 1e6) / of.cpuMicros
          const figures = [count(of.requestsPerSecond), ms(of.p50Ms), ms(of.p99Ms), micros(of.cpuMicros), count(most)]
          return [count(gateways), count(handlers), ...figures]
        }),
      ),
      '',
      `Highest resident memory: gateway ${memoryMb.gateway} MiB, handler ${memoryMb.handler} MiB.`,
    ],
  }
}

export const distributed = definePart({
  name: 'distributed',
  title: 'Distributed: Kafka and EventStoreDB, beside a bare KafkaJS loop',
  timeoutMs: 10 * 60_000,
  result,
  measure: measureAll,
  report,
})
