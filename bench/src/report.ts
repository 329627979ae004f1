import { cpus, totalmem } from 'node:os'
import { median } from './median.ts'
import type { LoadResult } from './load/wrk.ts'
import type { DistributedReport } from './parts/distributed.ts'
import type { EmbeddedReport } from './parts/embedded.ts'

const count = (value: number): string => Math.round(value).toLocaleString('en')
const ratio = (value: number): string => `${value.toFixed(2)} ×`
const ms = (value: number): string => value.toFixed(1)

export interface ReportParts {
  readonly wrk: string
  readonly connections: number
  readonly seconds: number
  readonly embedded: EmbeddedReport
  readonly distributed: DistributedReport
}

/** `bench/REPORT.md`. */
export function reportText({ wrk, connections, seconds, embedded, distributed }: ReportParts): string {
  const row = (name: string, results: readonly LoadResult[], ratios: readonly number[]): string =>
    `| ${name} | ${count(median(results.map((each) => each.requestsPerSecond)))} | ${ms(median(results.map((each) => each.p50Ms)))} | ${ms(median(results.map((each) => each.p99Ms)))} | ${ratio(median(ratios))} | ${ratio(Math.min(...ratios))} – ${ratio(Math.max(...ratios))} |`
  const { rounds } = embedded
  return [
    '# Benchmark',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux; Node ${process.version}, wrk ${wrk}.`,
    '',
    '## Embedded, beside a bare Fastify route',
    '',
    `${connections} connections, ${seconds} s for each figure, ${rounds.length} rounds, interleaved: bare, fresh, replay, and again. Ratios are`,
    'taken within a round; the table has medians over the rounds, and the range of the ratio.',
    '',
    '| load | requests/s | p50 ms | p99 ms | of bare | range |',
    '|---|---|---|---|---|---|',
    row(
      'bare Fastify, same schema, echo',
      rounds.map((each) => each.bare),
      rounds.map(() => 1),
    ),
    row(
      'fresh keys, each one durable append',
      rounds.map((each) => each.fresh),
      rounds.map((each) => each.fresh.requestsPerSecond / each.bare.requestsPerSecond),
    ),
    row(
      'replays of recorded keys',
      rounds.map((each) => each.replay),
      rounds.map((each) => each.replay.requestsPerSecond / each.bare.requestsPerSecond),
    ),
    '',
    `Highest resident memory of Holdfast under this load: ${embedded.peakMemoryMb} MB.`,
    '',
    ...distributedText(distributed),
    'Load generator and servers share the machine. Not measured: a network, TLS, other bodies than one of 33 bytes.',
    '',
  ].join('\n')
}

function distributedText({ rows, replay, secondHandler: [one, two] }: DistributedReport): readonly string[] {
  return [
    '## Distributed, beside a bare KafkaJS loop',
    '',
    'One gateway and one handler on a real Kafka broker and the EventStoreDB stand-in, beside a bare loop on the same two',
    '(produce → consume → append → produce → consume, no HTTP), interleaved. Medians over the rounds.',
    '',
    '| connections | loop/s | loop p50 ms | loop p99 ms | Holdfast/s | p50 ms | p99 ms | throughput | p50 |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows.map(
      ({ connections, loop, fresh, throughputRatio, p50Ratio }) =>
        `| ${connections} | ${count(loop.requestsPerSecond)} | ${ms(loop.p50Ms)} | ${ms(loop.p99Ms)} | ${count(fresh.requestsPerSecond)} | ${ms(fresh.p50Ms)} | ${ms(fresh.p99Ms)} | ${ratio(throughputRatio)} | ${ratio(p50Ratio)} |`,
    ),
    '',
    `Replays from another gateway than the first, 64 connections: ${count(replay.requestsPerSecond)}/s, p50 ${ms(replay.p50Ms)} ms, p99 ${ms(replay.p99Ms)} ms.`,
    '',
    `A second handler, 64 connections: from ${count(one)}/s to ${count(two)}/s. On this machine all processes, the broker and the load`,
    'generator share the processors, which is what limits both.',
    '',
  ]
}
