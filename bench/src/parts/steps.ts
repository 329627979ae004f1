import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '@holdfast/testing/processes'
import { z } from 'zod'
import { loadResult, putLoad, type Load, type LoadResult } from '../load/wrk.ts'
import { measure, measured, middle, type Measured } from '../measure.ts'
import { median } from '../median.ts'
import { definePart, type Section, type Setting } from '../part.ts'
import { ratioFigure } from '../report/figures.ts'
import { count, ms, ratio, table } from '../report/format.ts'
import type { NodeServer } from '../servers/node-server.ts'
import { holdfastPaths, startEmbedded } from '../systems/holdfast.ts'
import { startKafkaInstallation } from '../systems/kafka-installation.ts'
import { orderBody } from '../systems/system.ts'
import { measureDistributedRecovery, measureEmbeddedRecovery, recovery } from './steps-recovery.ts'

const connections = 64
/** One request in so many is under a key that keeps failing. */
const poisonedOneIn = 1_000
const poisonedPath = '/api/order-poisoned'
const patienceMs = 120_000

const poisoned = z.object({ without: loadResult, with: loadResult, poisonedKeys: z.number() })

const result = z.object({
  /** Embedded: the pure command beside steps in the process. */
  orders: z.array(z.object({ pure: measured, one: measured, three: measured })),
  recovery,
  /** Absent in results from before it was measured. */
  distributedRecovery: recovery.optional(),
  poisoned: z.object({ embedded: z.array(poisoned), distributed: z.array(poisoned) }),
})

type Result = z.infer<typeof result>
type Poisoned = z.infer<typeof poisoned>

const loadOn = ({ url }: NodeServer, of: Pick<Load, 'prefix' | 'seconds'> & Partial<Load>): Load => ({
  ...{ url, mode: 'fresh', path: holdfastPaths.plain, body: orderBody, connections },
  ...of,
})

async function measureAll(setting: Setting): Promise<Result> {
  return {
    ...(await withEmbedded(async (server) => ({
      orders: await measureOrders(server, setting),
      embedded: await measurePoisoned(server, setting),
    })).then(async ({ orders, embedded }) => ({
      orders,
      recovery: await measureEmbeddedRecovery(setting),
      distributedRecovery: await measureDistributedRecovery(setting),
      poisoned: { embedded, distributed: await measureDistributed(setting) },
    }))),
  }
}

async function measureOrders(server: NodeServer, { rounds, seconds }: Setting): Promise<Result['orders']> {
  const pids = [server.pid()]
  const measured: Result['orders'] = []
  for (let round = 0; round <= rounds; round++) {
    const of = (path: string): Promise<Measured> =>
      measure(pids, loadOn(server, { path, prefix: `o${round}${path.slice(-5)}`, seconds }))
    const one = {
      pure: await of(holdfastPaths.plain),
      one: await of(holdfastPaths['one step']),
      three: await of(holdfastPaths['three steps']),
    }
    // The first round warms up.
    if (round > 0) measured.push(one)
  }
  console.log('orders: done')
  return measured
}

/** Loads without and with keys that keep failing, in turn. */
async function measurePoisoned(server: NodeServer, { rounds, seconds }: Setting): Promise<Poisoned[]> {
  const measured: Poisoned[] = []
  for (let round = 1; round <= rounds; round++) {
    const path = holdfastPaths['three steps']
    const without = await putLoad(loadOn(server, { path, prefix: `clean${round}`, seconds }))
    const poison = startPoisoning(server, { perSecond: without.requestsPerSecond / poisonedOneIn, round })
    const load = putLoad(loadOn(server, { path, prefix: `beside${round}`, seconds }))
    const beside = await load.finally(() => poison.stop())
    measured.push({ without, with: beside, poisonedKeys: await poison.failed() })
  }
  console.log('poisoned keys: done')
  return measured
}

interface Poisoning {
  stop(): void
  /** Waits until each of them has failed for good. Returns how many there were. */
  failed(): Promise<number>
}

/** Sends commands that fail at each try, without waiting for them: the first at once. */
function startPoisoning(
  { url }: NodeServer,
  { perSecond, round }: { readonly perSecond: number; readonly round: number },
): Poisoning {
  const stopping = new AbortController()
  const keys: string[] = []
  const send = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const key = `poisoned-${round}-${keys.length}`
      keys.push(key)
      const headers = { 'content-type': 'application/json', 'idempotency-key': key, prefer: 'respond-async' }
      const { status } = await fetch(`${url}${poisonedPath}`, { method: 'POST', headers, body: orderBody })
      if (status !== 202) throw new Error(`a poisoned key was answered ${status}`)
      await pause(1_000 / perSecond, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }
  const sent = send()
  sent.catch(() => undefined)
  const hasFailed = async (key: string): Promise<boolean> => {
    const response = await fetch(`${url}/idempotency-keys/${key}`)
    return response.ok && ((await response.json()) as { readonly state: string }).state === 'failed'
  }
  return {
    stop: () => {
      stopping.abort()
    },
    async failed() {
      await sent
      for (const key of keys)
        await until(() => hasFailed(key), { what: `${key} has failed`, timeoutMs: patienceMs, everyMs: 50 })
      return keys.length
    },
  }
}

async function withEmbedded<T>(use: (server: NodeServer) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  try {
    const server = await startEmbedded(folder)
    return await use(server).finally(() => server.stop())
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureDistributed(setting: Setting): Promise<Poisoned[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const installation = await startKafkaInstallation(folder)
  try {
    await installation.service('handler')
    const gateway = await installation.service('gateway')
    const path = holdfastPaths['three steps']
    await putLoad(loadOn(gateway, { path, prefix: 'warm', seconds: setting.seconds }))
    return await measurePoisoned(gateway, { ...setting, rounds: Math.min(setting.rounds, 3) })
  } finally {
    await installation.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function report(result: Result): Section {
  const {
    orders,
    recovery: embeddedRecovery,
    distributedRecovery,
    poisoned: { embedded, distributed },
  } = result
  const against = (figure: (each: Result['orders'][number]) => Measured): number =>
    median(orders.map((each) => figure(each).requestsPerSecond / each.pure.requestsPerSecond))
  const row = (name: string, figure: (each: Result['orders'][number]) => Measured): readonly string[] => {
    const of = middle(orders.map(figure))
    return [name, count(of.requestsPerSecond), ms(of.p50Ms), ms(of.p99Ms), count(of.cpuMicros), ratio(against(figure))]
  }
  const p99 = (rounds: readonly Poisoned[]): number =>
    median(rounds.map((each) => each.with.p99Ms / each.without.p99Ms))
  const loadRow = (name: string, load: LoadResult): readonly string[] => [
    name,
    ...[count(load.requestsPerSecond), ms(load.p50Ms), ms(load.p99Ms)],
  ]
  const poisonedRows = (name: string, rounds: readonly Poisoned[]): readonly (readonly string[])[] => [
    loadRow(`${name}, without`, middle(rounds.map(({ without }) => without))),
    loadRow(`${name}, with`, middle(rounds.map((each) => each.with))),
  ]
  const recoveries = [
    ['embedded', embeddedRecovery] as const,
    ...(distributedRecovery === undefined ? [] : [['distributed', distributedRecovery] as const]),
  ]
  return {
    figures: [
      ratioFigure(
        'embedded, orders of three steps in the process, vs the pure command',
        { min: 0.3 },
        against((each) => each.three),
      ),
      ratioFigure('p99 of the others beside one poisoned key in 1,000, embedded', { max: 2 }, p99(embedded)),
      ratioFigure('p99 of the others beside one poisoned key in 1,000, distributed', { max: 2 }, p99(distributed)),
    ],
    markdown: [
      `Embedded, ${connections} connections, interleaved. The steps do nothing that takes time, so that what a step costs is what is`,
      'measured: it runs, and is recorded before the next one.',
      '',
      ...table(
        ['load', 'orders/s', 'p50 ms', 'p99 ms', 'CPU µs/order', 'of the pure command'],
        [
          row('pure', (each) => each.pure),
          row('one step', (each) => each.one),
          row('three steps', (each) => each.three),
        ],
      ),
      '',
      '### Recovery',
      '',
      'Orders of three steps that were accepted by a process that died. The next one finishes them all (seconds from its start, its start included;',
      'distributed: their lease had run out when it started, and Kafka knew nothing of them), while new orders go on from the first moment:',
      '',
      ...table(
        [
          '',
          'unresolved',
          'finished in s',
          'new pure orders/s',
          'p50 ms',
          'p99 ms',
          'afterwards/s',
          'p50 ms',
          'p99 ms',
        ],
        recoveries.map(([name, { unresolved, seconds, during, after }]) => [
          ...[name, count(unresolved), seconds.toFixed(1)],
          ...[during, after].flatMap((each) => [count(each.requestsPerSecond), ms(each.p50Ms), ms(each.p99Ms)]),
        ]),
      ),
      '',
      '### Poisoned keys',
      '',
      `Orders of three steps, and beside them one in ${count(poisonedOneIn)} under a key whose command fails at each of 40 tries`,
      `(${count(median([...embedded, ...distributed].map(({ poisonedKeys }) => poisonedKeys)))} such keys a load, in the middle). Figures are of the others.`,
      '',
      ...table(
        ['load', 'requests/s', 'p50 ms', 'p99 ms'],
        [...poisonedRows('embedded', embedded), ...poisonedRows('distributed', distributed)],
      ),
    ],
  }
}

export const steps = definePart({
  name: 'steps',
  title: 'Commands with steps: their cost, recovery, poisoned keys',
  timeoutMs: 20 * 60_000,
  result,
  measure: measureAll,
  report,
})
