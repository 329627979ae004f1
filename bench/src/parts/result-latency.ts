import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEventStream } from '@holdfast/testing/http'
import kafkajs from 'kafkajs'
import { z } from 'zod'
import { definePart, type Section, type Setting } from '../part.ts'
import { count, ms, table } from '../report/format.ts'
import { holdfastPaths, startEmbedded } from '../systems/holdfast.ts'
import { startKafkaInstallation } from '../systems/kafka-installation.ts'
import { orderBody } from '../systems/system.ts'

const resultsTopic = 'holdfast.results'
/** Results are waited for this long at the end of a load, milliseconds. */
const lateMs = 30_000

/** Milliseconds. */
const spread = z.object({ p50: z.number(), p99: z.number() })
const row = z.object({
  runtime: z.enum(['embedded', 'distributed']),
  callers: z.number(),
  results: z.number(),
  perSecond: z.number(),
  /** From the request to its answer. */
  answer: spread,
  channels: z.array(
    z.object({
      name: z.string(),
      /** From the decision, just before the append, to the consumer. */
      sinceDecision: spread,
      /** From the request to the consumer. */
      sinceRequest: spread,
      /** Consumers that had not got a result by the end. */
      missing: z.number(),
    }),
  ),
})
const result = z.object({ rows: z.array(row) })
type Row = z.infer<typeof row>

/** A consumer of results; tells of each with the key and the moment of the decision. */
interface Channel extends AsyncDisposable {
  readonly name: string
}
type Arrival = (channel: string, key: string, decidedAtMs: number) => void

interface Seen {
  readonly sentAtMs: number
  answeredAtMs: number
  /** By channel. */
  readonly arrivals: Map<string, { readonly atMs: number; readonly decidedAtMs: number }>
}

/** Milliseconds since the epoch, finer than the clock of `Date`. */
const nowMs = (): number => performance.timeOrigin + performance.now()

async function measureAll({ quick, seconds, rounds }: Setting): Promise<z.infer<typeof result>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-results-'))
  const durationMs = (quick ? 1 : seconds * rounds) * 1_000
  const rows: Row[] = []
  const measureOn = async (runtime: Row['runtime'], url: string, open: (arrival: Arrival) => Promise<Channel[]>) => {
    for (const callers of [1, 16]) {
      await load({ runtime, url, open, callers, durationMs: 1_000 })
      rows.push(await load({ runtime, url, open, callers, durationMs }))
    }
  }
  try {
    const embedded = await startEmbedded(join(folder, 'embedded'))
    try {
      await measureOn('embedded', embedded.url, async (arrival) => [await streamed(embedded.url, arrival)])
    } finally {
      await embedded.stop()
    }
    const installation = await startKafkaInstallation(folder)
    try {
      const [gateway] = await Promise.all([installation.service('gateway'), installation.service('handler')])
      await measureOn('distributed', gateway.url, async (arrival) => [
        await streamed(gateway.url, arrival),
        await consumed(installation.brokers, arrival),
      ])
    } finally {
      await installation.stop()
    }
    return { rows }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface LoadOptions {
  readonly runtime: Row['runtime']
  readonly url: string
  readonly open: (arrival: Arrival) => Promise<Channel[]>
  readonly callers: number
  readonly durationMs: number
}

/** Callers that send one order after the other, and consumers that note when the result of each comes. */
async function load({ runtime, url, open, callers, durationMs }: LoadOptions): Promise<Row> {
  const orders = new Map<string, Seen>()
  await using stack = new AsyncDisposableStack()
  const channels = await open((channel, key, decidedAtMs) => {
    const { arrivals } = orders.get(key) ?? {}
    if (arrivals?.has(channel) === false) arrivals.set(channel, { atMs: nowMs(), decidedAtMs })
  })
  for (const channel of channels) stack.use(channel)
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  stack.defer(() => {
    agent.destroy()
  })
  const startedAtMs = nowMs()
  const call = async (): Promise<void> => {
    while (nowMs() - startedAtMs < durationMs) {
      const key = crypto.randomUUID()
      const order: Seen = { sentAtMs: nowMs(), answeredAtMs: 0, arrivals: new Map() }
      orders.set(key, order)
      await post(url, key, agent)
      order.answeredAtMs = nowMs()
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  const tookMs = nowMs() - startedAtMs
  const all = [...orders.values()]
  const endMs = nowMs() + lateMs
  while (nowMs() < endMs && all.some(({ arrivals }) => arrivals.size < channels.length))
    await new Promise((resolve) => setTimeout(resolve, 20))
  return {
    runtime,
    callers,
    results: all.length,
    perSecond: (all.length * 1_000) / tookMs,
    answer: spreadOf(all.map(({ sentAtMs, answeredAtMs }) => answeredAtMs - sentAtMs)),
    channels: channels.map(({ name }) => {
      const came = all.flatMap(({ sentAtMs, arrivals }) => {
        const arrival = arrivals.get(name)
        return arrival === undefined ? [] : [{ ...arrival, sentAtMs }]
      })
      return {
        name,
        sinceDecision: spreadOf(came.map(({ atMs, decidedAtMs }) => atMs - decidedAtMs)),
        sinceRequest: spreadOf(came.map(({ atMs, sentAtMs }) => atMs - sentAtMs)),
        missing: all.length - came.length,
      }
    }),
  }
}

function post(url: string, key: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key }
    const outgoing = request(url + holdfastPaths.plain, { method: 'POST', agent, headers }, (incoming) => {
      incoming.resume()
      incoming.once('end', () => {
        if (incoming.statusCode === 201) resolve()
        else reject(new Error(`an order was answered ${incoming.statusCode ?? 0}`))
      })
    })
    outgoing.once('error', reject)
    outgoing.end(orderBody)
  })
}

/** `GET /results`, from now on: it is opened and read up to its end before the load begins. */
async function streamed(url: string, arrival: Arrival): Promise<Channel> {
  const marker = crypto.randomUUID()
  const agent = new Agent()
  await post(url, marker, agent)
  agent.destroy()
  const stream = await openEventStream({ url, path: '/results' })
  const caughtUp = Promise.withResolvers<void>()
  const read = async (): Promise<void> => {
    for (;;) {
      const data = (await stream.next(600_000))?.data
      if (data === undefined) continue
      const { idempotency_key: key, completed_at: at } = (
        JSON.parse(data) as { data: { idempotency_key: string; completed_at: string } }
      ).data
      if (key === marker) caughtUp.resolve()
      else arrival('SSE', key, Date.parse(at))
    }
  }
  const reading = read().catch(caughtUp.reject)
  await caughtUp.promise
  return {
    name: 'SSE',
    async [Symbol.asyncDispose]() {
      stream[Symbol.dispose]()
      await reading
    },
  }
}

/** A consumer group of its own, from the end of the topic on. */
async function consumed(brokers: string, arrival: Arrival): Promise<Channel> {
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `bench-${crypto.randomUUID()}` })
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => {
      resolve()
    })
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [resultsTopic], fromBeginning: false })
  await consumer.run({
    eachMessage: ({ message }) => {
      const { idempotency_key: key, completed_at: at } = JSON.parse(String(message.value)) as {
        idempotency_key: string
        completed_at: string
      }
      arrival('Kafka', key, Date.parse(at))
      return Promise.resolve()
    },
  })
  await joined
  // The first fetches find out where the partitions end.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return { name: 'Kafka', [Symbol.asyncDispose]: () => consumer.disconnect() }
}

function spreadOf(values: readonly number[]): z.infer<typeof spread> {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

function report({ rows }: z.infer<typeof result>): Section {
  const spreadText = ({ p50, p99 }: z.infer<typeof spread>): string => `${ms(p50)} / ${ms(p99)}`
  return {
    markdown: [
      'Callers that send one order after the other, and consumers of the results beside them. *Since the decision* begins at the moment',
      'that the outcome itself tells (`completed_at`, whole milliseconds, just before the append), so it holds the durable write; *since the',
      'request* is what the caller’s own clock says. p50 / p99, milliseconds.',
      '',
      ...table(
        ['runtime, callers', 'orders/s', 'answer', 'consumer', 'since the decision', 'since the request', 'missing'],
        rows.flatMap(({ runtime, callers, perSecond, answer, channels }) =>
          channels.map(({ name, sinceDecision, sinceRequest, missing }) => [
            `${runtime}, ${callers}`,
            count(perSecond),
            spreadText(answer),
            name,
            spreadText(sinceDecision),
            spreadText(sinceRequest),
            count(missing),
          ]),
        ),
      ),
      '',
      'Callers and consumers are one process on the same machine, and take their share of its processors.',
    ],
  }
}

export const resultLatency = definePart({
  name: 'result-latency',
  title: 'Results: from the append to consumers',
  timeoutMs: 10 * 60_000,
  result,
  measure: measureAll,
  report,
})
