import { barChart, type BarSeries } from '@holdfast/report'
import { z } from 'zod'
import { fire } from '../load/volley.ts'
import { measure, measured, middle, rateRatios, type Measured } from '../measure.ts'
import { median } from '../median.ts'
import { definePart, type Chart, type Figure, type Section, type Setting } from '../part.ts'
import { measureReplays } from '../replays.ts'
import { cpuSecondsOf, memoryMbOf } from '../process-tree.ts'
import { ratioFigure } from '../report/figures.ts'
import { count, micros, ms, ratio, table } from '../report/format.ts'
import { contenders, withSystems, type Running } from '../systems/index.ts'
import { orderBody, pidsOf, type System, type Work } from '../systems/system.ts'

const works = ['plain', 'one step', 'three steps'] as const
/** Of these all figures are compared; at the others, fewer rounds show how it goes on. */
const mainConnections = 64
const memoryTargetMb = 200
/** Connections over which the keys are recorded that are then replayed. */
const recordingConnections = 64

/** One load on one system, in all rounds. The rounds of all series stand side by side: ratios are taken within a round. */
const series = z.object({
  system: z.string(),
  work: z.enum(works),
  mode: z.enum(['fresh', 'replay']),
  connections: z.number(),
  rounds: z.array(measured),
})

const result = z.object({
  systems: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      setup: z.string(),
      versions: z.string(),
      memoryMb: z.number(),
      idleCpu: z.number(),
    }),
  ),
  skipped: z.array(z.object({ title: z.string(), reason: z.string() })),
  /** How many keys each replay load asks for. Absent in results of old: as many as the load before had written. */
  replayedKeys: z.number().optional(),
  series: z.array(series),
})

type Series = z.infer<typeof series>
type Result = z.infer<typeof result>

/** One system doing one kind of work: its fresh load, and behind it, on the same keys, its replays. */
interface Lane {
  readonly running: Running
  readonly work: Work
  readonly replays: boolean
}

async function measureAll(setting: Setting): Promise<Result> {
  return withSystems({ chosen: contenders }, async ({ running, skipped }) => {
    const idle = await idleCpuOf(running)
    const lanes = running.flatMap(lanesOf)
    const replayedKeys = setting.quick ? 200 : 2_000
    const all: Series[] = []
    for (const lane of lanes)
      await measureLane(lane, {
        connections: mainConnections,
        seconds: setting.quick ? 1 : 2,
        name: 'warm',
        replayedKeys,
      })
    for (const connections of [mainConnections, 1, 256]) {
      const main = connections === mainConnections
      const here = lanes.filter(({ work }) => main || work !== 'three steps')
      // Shorter and fewer: these show how it goes on, nothing is promised of them.
      const seconds = main ? setting.seconds : Math.max(1, setting.seconds - 1)
      const rounds = main ? setting.rounds : Math.ceil((setting.rounds * 2) / 3)
      for (let round = 1; round <= rounds; round++) {
        for (const lane of here) {
          const run = { connections, seconds, name: `c${connections}r${round}`, replayedKeys }
          const { fresh, replay } = await measureLane(lane, run)
          add(all, { lane, mode: 'fresh', connections, figures: fresh })
          if (replay !== undefined) add(all, { lane, mode: 'replay', connections, figures: replay })
        }
        console.log(`${connections} connections: round ${round} of ${rounds}`)
      }
    }
    return {
      systems: await Promise.all(
        running.map(async ({ contender, system }) => ({
          id: contender.id,
          title: contender.title,
          setup: contender.setup,
          versions: await contender.versions(),
          memoryMb: memoryMbOf(pidsOf(system)),
          idleCpu: idle.get(contender.id) ?? 0,
        })),
      ),
      skipped: [...skipped],
      replayedKeys,
      series: all,
    }
  })
}

function lanesOf(running: Running): readonly Lane[] {
  return works
    .filter((work) => running.system.paths[work] !== undefined)
    .map((work) => ({ running, work, replays: running.contender.keepsKeys && work !== 'three steps' }))
}

interface Run {
  readonly connections: number
  readonly seconds: number
  /** Of the keys. */
  readonly name: string
  /** As many on every system, whatever its speed: few keys are soon in everybody's cache. */
  readonly replayedKeys: number
}

async function measureLane(
  { running: { system }, work, replays }: Lane,
  { connections, seconds, name, replayedKeys: keys }: Run,
): Promise<{ readonly fresh: Measured; readonly replay?: Measured }> {
  const load = {
    url: system.url,
    path: system.paths[work] ?? '',
    body: orderBody,
    prefix: `${name}-${work.replace(' ', '-')}`,
    connections,
    seconds,
  }
  const fresh = await measure(pidsOf(system), { ...load, mode: 'fresh' })
  if (!replays) return { fresh }
  const prefix = `${load.prefix}-replayed`
  await recordKeys(system, { path: load.path, prefix, keys })
  return { fresh, replay: await measureReplays(system, { ...load, prefix, keys }) }
}

/** Sends each of these keys once, so that wrk finds them recorded. @throws Error when one was not answered with a 2xx */
async function recordKeys(
  { url }: System,
  { path, prefix, keys }: { readonly path: string; readonly prefix: string; readonly keys: number },
): Promise<void> {
  let number = 0
  const next = (): string | undefined => (number < keys ? `${prefix}-0-${++number}` : undefined)
  const { statuses } = await fire({ url, path, body: orderBody, connections: recordingConnections, next })
  const recorded = Object.entries(statuses).reduce(
    (sum, [status, times]) => sum + (status.startsWith('2') ? times : 0),
    0,
  )
  if (recorded < keys) throw new Error(`only ${recorded} of ${keys} keys were recorded: ${JSON.stringify(statuses)}`)
}

function add(
  all: Series[],
  of: { readonly lane: Lane; readonly mode: Series['mode']; readonly connections: number; readonly figures: Measured },
): void {
  const { lane, mode, connections, figures } = of
  const key = { system: lane.running.contender.id, work: lane.work, mode, connections }
  const found = all.find((each) => matches(each, key))
  if (found === undefined) all.push({ ...key, rounds: [figures] })
  else found.rounds.push(figures)
}

type Key = Pick<Series, 'system' | 'work' | 'mode' | 'connections'>

const matches = (each: Series, key: Key): boolean =>
  each.system === key.system && each.work === key.work && each.mode === key.mode && each.connections === key.connections

/** Share of one processor that each takes while nobody asks: all are up while one is measured. */
async function idleCpuOf(running: readonly Running[]): Promise<Map<string, number>> {
  const idleMs = 2_000
  const before = running.map(({ system }) => cpuSecondsOf(pidsOf(system)))
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  return new Map(
    running.map(({ contender, system }, index) => [
      contender.id,
      (cpuSecondsOf(pidsOf(system)) - (before[index] ?? 0)) / (idleMs / 1000),
    ]),
  )
}

async function report(result: Result): Promise<Section> {
  const find = (key: Omit<Key, 'connections'>): Series | undefined =>
    result.series.find((each) => matches(each, { ...key, connections: mainConnections }))
  const titleOf = new Map(result.systems.map(({ id, title }) => [id, title]))
  const rows = (connections: number): readonly (readonly string[])[] =>
    result.series
      .filter((each) => each.connections === connections)
      .map((each) => {
        const { requestsPerSecond, p50Ms, p99Ms, cpuMicros } = middle(each.rounds)
        const base = result.series.find((other) =>
          matches(other, { system: 'bare', work: 'plain', mode: 'fresh', connections }),
        )
        const name = `${titleOf.get(each.system) ?? each.system}${each.work === 'plain' ? '' : `, ${each.work}`}`
        return [
          name,
          each.system === 'bare' ? '–' : each.mode,
          count(requestsPerSecond),
          ms(p50Ms),
          ms(p99Ms),
          micros(cpuMicros),
          base === undefined ? '' : spread(each, base),
        ]
      })
  const head = [
    'system',
    'keys',
    'requests/s',
    'p50 ms',
    'p99 ms',
    'CPU µs/request',
    'of bare, median (lowest – highest)',
  ]
  return {
    figures: [...figuresOf(find), ...memoryFigures(result)],
    charts: await chartsOf(result),
    markdown: [
      'All are up at once and measured in turn, round by round; the ratio to bare Fastify is taken within a round.',
      ...(result.replayedKeys === undefined
        ? []
        : [
            `Replays ask at random for any of ${count(result.replayedKeys)} keys that were recorded just before: as many on every system, in the same order.`,
          ]),
      'CPU is the processor time of all processes of the system (application and database) for each request.',
      ...[mainConnections, 1, 256].flatMap((connections) => [
        '',
        `### ${connections} connection${connections === 1 ? '' : 's'}`,
        '',
        ...table(head, rows(connections)),
      ]),
      ...limitsText(find),
      '',
      '### Memory, and processor time while idle',
      '',
      ...table(
        ['system', 'resident after all loads, MiB', 'idle, % of one processor'],
        result.systems.map(({ title, memoryMb, idleCpu }) => [title, count(memoryMb), (idleCpu * 100).toFixed(1)]),
      ),
      '',
      'Resident memory is that of all processes of the system; pages that several of them share are counted once.',
      '',
      '### How each is set up',
      '',
      ...result.systems.map(({ title, setup, versions }) => `- **${title}** (${versions}): ${setup}`),
      ...result.skipped.map(({ title, reason }) => `- **${title} was not measured**: ${reason}.`),
    ],
  }
}

function spread(one: Series, other: Series): string {
  const all = rateRatios(one.rounds, other.rounds)
  return `${ratio(median(all))} (${ratio(Math.min(...all))} – ${ratio(Math.max(...all))})`
}

/** Rates, and what a request costs, at the main number of connections. */
async function chartsOf({ systems, series: all }: Result): Promise<readonly Chart[]> {
  const here = all.filter(({ connections }) => connections === mainConnections)
  const lanes = here.filter(({ mode }) => mode === 'fresh')
  const categories = lanes.map(({ system, work }) => {
    const title = systems.find(({ id }) => id === system)?.title ?? system
    return work === 'plain' ? title : `${title}, ${work}`
  })
  const values = (
    mode: Series['mode'],
    figure: (of: ReturnType<typeof middle>) => number,
  ): readonly (number | null)[] =>
    lanes.map(({ system, work }) => {
      const found = here.find((each) => each.system === system && each.work === work && each.mode === mode)
      return found === undefined ? null : figure(middle(found.rounds))
    })
  const bars = (figure: (of: ReturnType<typeof middle>) => number): readonly BarSeries[] => [
    { name: 'fresh keys', values: values('fresh', figure) },
    { name: 'replays', values: values('replay', figure) },
  ]
  const frame = { categories, horizontal: true, log: true } as const
  const subtitle = `${mainConnections} connections, medians over the rounds; logarithmic`
  return [
    {
      name: 'side-by-side-rates',
      alt: 'Requests per second of each system, fresh keys and replays',
      svg: await barChart({
        ...frame,
        title: 'Requests per second',
        subtitle,
        series: bars((of) => of.requestsPerSecond),
      }),
    },
    {
      name: 'side-by-side-cpu',
      alt: 'Processor time for each request of each system',
      svg: await barChart({
        ...frame,
        title: 'Processor time for each request, µs',
        subtitle,
        series: bars((of) => of.cpuMicros),
      }),
    },
  ]
}

/** The targets that are about one system beside another. */
function figuresOf(find: (key: Omit<Key, 'connections'>) => Series | undefined): readonly Figure[] {
  const compare = (
    what: string,
    min: number,
    pair: readonly [Omit<Key, 'connections'>, Omit<Key, 'connections'>],
  ): readonly Figure[] => {
    const [one, other] = [find(pair[0]), find(pair[1])]
    return one === undefined || other === undefined
      ? [{ what, target: `≥ ${min} ×`, measured: undefined, reached: false }]
      : [ratioFigure(what, { min }, median(rateRatios(one.rounds, other.rounds)))]
  }
  const ours = (work: Work, mode: Series['mode']): Omit<Key, 'connections'> => ({ system: 'holdfast', work, mode })
  const bare = { system: 'bare', work: 'plain', mode: 'fresh' } as const
  return [
    ...compare('embedded, fresh keys, vs bare Fastify', 0.5, [ours('plain', 'fresh'), bare]),
    ...compare('embedded, replays, vs bare Fastify', 0.7, [ours('plain', 'replay'), bare]),
    ...compare('embedded, fresh, vs the locked Redis recipe with fsync', 1.3, [
      ours('plain', 'fresh'),
      { system: 'redis-locked', work: 'plain', mode: 'fresh' },
    ]),
    ...compare('embedded, replays, vs the Redis recipe', 1.2, [
      ours('plain', 'replay'),
      { system: 'redis-recipe', work: 'plain', mode: 'replay' },
    ]),
    ...compare('embedded, fresh one-step, vs Restate one-step', 10, [
      ours('one step', 'fresh'),
      { system: 'restate', work: 'one step', mode: 'fresh' },
    ]),
    ...compare('embedded, replays, vs Restate', 3, [
      ours('one step', 'replay'),
      { system: 'restate', work: 'one step', mode: 'replay' },
    ]),
    ...compare('embedded, fresh one-step, vs DBOS', 15, [
      ours('one step', 'fresh'),
      { system: 'dbos', work: 'one step', mode: 'fresh' },
    ]),
    ...compare('embedded, three-step orders, vs the pure command', 0.3, [
      ours('three steps', 'fresh'),
      ours('plain', 'fresh'),
    ]),
  ]
}

/** What the floors say of the two ratios to Redis. */
function limitsText(find: (key: Omit<Key, 'connections'>) => Series | undefined): readonly string[] {
  const of = (system: string, mode: Series['mode']): Series | undefined => find({ system, work: 'plain', mode })
  const beside = (one: Series | undefined, other: Series | undefined): string =>
    one === undefined || other === undefined ? 'not measured' : spread(one, other)
  const [bare, durable, ours] = [of('bare', 'fresh'), of('bare-durable', 'fresh'), of('holdfast', 'fresh')]
  const [event, locked] = [of('bare-event', 'fresh'), of('redis-locked', 'fresh')]
  const [replays, recipe] = [of('holdfast', 'replay'), of('redis-recipe', 'replay')]
  return [
    '',
    `What bounds the ratios to Redis, at ${mainConnections} connections, median (lowest – highest):`,
    '',
    ...table(
      ['', 'beside', 'rate'],
      [
        ['one durable row and nothing else, fresh', 'the locked recipe', beside(durable, locked)],
        ['an event as Holdfast records it and nothing else, fresh', 'the locked recipe', beside(event, locked)],
        ['Holdfast, fresh', 'an event and nothing else', beside(ours, event)],
        ['a bare route that keeps nothing', 'replays of the recipe', beside(bare, recipe)],
        ['Holdfast, replays', 'a bare route that keeps nothing', beside(replays, bare)],
      ],
    ),
  ]
}

/** MB, where the tables have MiB. */
function memoryFigures({ systems }: Result): readonly Figure[] {
  return systems
    .filter(({ id }) => id === 'holdfast')
    .map(({ memoryMb }) => {
      const mb = memoryMb * 1.048576
      return {
        what: 'embedded, resident memory after all these loads',
        target: `≤ ${memoryTargetMb} MB`,
        measured: `${count(mb)} MB`,
        reached: mb <= memoryTargetMb,
      }
    })
}

export const sideBySide = definePart({
  name: 'side-by-side',
  title: 'Side by side: fresh keys and replays',
  timeoutMs: 15 * 60_000,
  result,
  measure: measureAll,
  report,
})
