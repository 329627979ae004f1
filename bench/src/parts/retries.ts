import { barChart } from '@holdfast/report'
import { z } from 'zod'
import { retryMix } from '../load/retry-mix.ts'
import { fire, volleyResult, type VolleyResult } from '../load/volley.ts'
import { median } from '../median.ts'
import { definePart, type Figure, type Section, type Setting } from '../part.ts'
import { ratioFigure } from '../report/figures.ts'
import { count, ms, ratio, table } from '../report/format.ts'
import { contenders, withSystems, type Running } from '../systems/index.ts'
import { orderBody, type System } from '../systems/system.ts'

const stormConnections = 200
const mixConnections = 64
/** Keys that the replays beside the storm ask for. */
const recordedKeys = 500

const counted = volleyResult.extend({
  /** Orders that were really placed. */
  effects: z.number(),
})

const result = z.object({
  stormRequests: z.number(),
  systems: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      rounds: z.array(
        z.object({
          storm: counted,
          /** As many requests over as many connections, for keys that are recorded. */
          replays: volleyResult,
          mix: counted,
        }),
      ),
    }),
  ),
  skipped: z.array(z.object({ title: z.string(), reason: z.string() })),
})

type Result = z.infer<typeof result>
type Round = Result['systems'][number]['rounds'][number]

async function measureAll(setting: Setting): Promise<Result> {
  const stormRequests = setting.quick ? 1_000 : 10_000
  const kept = contenders.filter(({ keepsKeys }) => keepsKeys)
  return withSystems({ chosen: kept }, async ({ running, skipped }) => {
    const systems = running.map(({ contender: { id, title } }) => ({ id, title, rounds: [] as Round[] }))
    for (const each of running) await record(each)
    for (let round = 1; round <= setting.rounds; round++) {
      for (const [index, each] of running.entries())
        systems[index]?.rounds.push(await measureRound(each, { round, stormRequests, seconds: setting.seconds }))
      console.log(`round ${round} of ${setting.rounds}`)
    }
    return { stormRequests, systems, skipped: [...skipped] }
  })
}

const pathOf = ({ paths }: System): string => paths.plain ?? paths['one step'] ?? ''

function volleyOn({ system }: Running, connections: number, next: () => string | undefined): Promise<VolleyResult> {
  return fire({ url: system.url, path: pathOf(system), body: orderBody, connections, next })
}

/** Hands these keys out, one after the other. */
function listed(keys: readonly string[]): () => string | undefined {
  let at = 0
  return () => keys[at++]
}

const recorded = Array.from({ length: recordedKeys }, (_, number) => `recorded-${number}`)

/** Records the keys of the replays, and warms up. */
async function record(each: Running): Promise<void> {
  await volleyOn(each, mixConnections, listed([...recorded, ...recorded, ...recorded]))
}

async function measureRound(
  each: Running,
  {
    round,
    stormRequests,
    seconds,
  }: { readonly round: number; readonly stormRequests: number; readonly seconds: number },
): Promise<Round> {
  const replayKeys = Array.from({ length: stormRequests }, (_, number) => recorded[(number * 7) % recordedKeys] ?? '')
  const replays = await volleyOn(each, stormConnections, listed(replayKeys))
  const storm = await withEffects(each, () =>
    volleyOn(each, stormConnections, listed(Array.from({ length: stormRequests }, () => `storm-${round}`))),
  )
  const mix = await withEffects(each, () =>
    volleyOn(
      each,
      mixConnections,
      retryMix({ prefix: `mix-${round}`, untilMs: performance.now() + seconds * 1000, seed: round }),
    ),
  )
  return { storm, replays, mix }
}

async function withEffects({ system }: Running, run: () => Promise<VolleyResult>): Promise<z.infer<typeof counted>> {
  const before = (await system.effects?.()) ?? 0
  const figures = await run()
  return { ...figures, effects: ((await system.effects?.()) ?? 0) - before }
}

/** `201`, or `201: 9,990, 409: 10` when there were others. */
function statusesText(rounds: readonly VolleyResult[]): string {
  const sums = new Map<string, number>()
  for (const { statuses } of rounds)
    for (const [status, times] of Object.entries(statuses)) sums.set(status, (sums.get(status) ?? 0) + times)
  if (sums.size === 1) return [...sums.keys()].join()
  return [...sums].map(([status, times]) => `${status}: ${count(times)}`).join(', ')
}

/** `1`, or `1 – 3` when the rounds differ. */
function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? count(low) : `${count(low)} – ${count(high)}`
}

async function report({ stormRequests, systems, skipped }: Result): Promise<Section> {
  return {
    charts: [
      {
        name: 'storm-p99',
        alt: 'p99 of a storm on one key beside that of replays, for each system',
        svg: await barChart({
          title: 'p99 of a storm on one key, and of replays, ms',
          subtitle: `${count(stormRequests)} requests over ${stormConnections} connections; logarithmic`,
          categories: systems.map(({ title }) => title),
          log: true,
          series: [
            { name: 'storm', values: systems.map(({ rounds }) => median(rounds.map(({ storm }) => storm.p99Ms))) },
            {
              name: 'replays',
              values: systems.map(({ rounds }) => median(rounds.map(({ replays }) => replays.p99Ms))),
            },
          ],
        }),
      },
    ],
    figures: systems.filter(({ id }) => id === 'holdfast').flatMap(({ rounds }) => figuresOf(stormRequests, rounds)),
    markdown: [
      `### A storm: ${count(stormRequests)} requests on one key over ${stormConnections} connections`,
      '',
      'Beside it as many replays of recorded keys over as many connections, from the same load generator (sockets in Node, which',
      'counts the requests and compares the bodies); the ratio is taken within a round.',
      '',
      ...table(
        [
          'system',
          'effects',
          'different bodies',
          'statuses',
          'requests/s',
          'p99 ms',
          'slowest ms',
          'replay p99 ms',
          'p99 / replay p99',
        ],
        systems.map(({ title, rounds }) => {
          const storms = rounds.map(({ storm }) => storm)
          return [
            title,
            range(storms.map(({ effects }) => effects)),
            storms.some(({ keysWithSeveralBodies }) => keysWithSeveralBodies > 0) ? '**yes**' : 'no',
            statusesText(storms),
            count(median(storms.map(({ requestsPerSecond }) => requestsPerSecond))),
            ms(median(storms.map(({ p99Ms }) => p99Ms))),
            ms(median(storms.map(({ maxMs }) => maxMs))),
            ms(median(rounds.map(({ replays }) => replays.p99Ms))),
            ratio(median(rounds.map(({ storm, replays }) => storm.p99Ms / replays.p99Ms))),
          ]
        }),
      ),
      '',
      `### Retries mixed with others: each request sent 1 to 10 times, ${mixConnections} connections`,
      '',
      '200 keys are open at a time, and any of them is sent next: retries come while the first attempt runs, and later.',
      '',
      ...table(
        [
          'system',
          'requests/s',
          'keys/s',
          'p50 ms',
          'p99 ms',
          'keys',
          'effects',
          'keys with different bodies',
          'statuses',
        ],
        systems.map(({ title, rounds }) => {
          const mixes = rounds.map(({ mix }) => mix)
          const sum = (of: (mix: (typeof mixes)[number]) => number): number =>
            mixes.reduce((all, mix) => all + of(mix), 0)
          return [
            title,
            count(median(mixes.map(({ requestsPerSecond }) => requestsPerSecond))),
            count(median(mixes.map((mix) => (mix.keys / mix.requests) * mix.requestsPerSecond))),
            ms(median(mixes.map(({ p50Ms }) => p50Ms))),
            ms(median(mixes.map(({ p99Ms }) => p99Ms))),
            count(sum(({ keys }) => keys)),
            count(sum(({ effects }) => effects)),
            count(sum(({ keysWithSeveralBodies }) => keysWithSeveralBodies)),
            statusesText(mixes),
          ]
        }),
      ),
      ...skipped.flatMap(({ title, reason }) => ['', `**${title} was not measured**: ${reason}.`]),
    ],
  }
}

function figuresOf(stormRequests: number, rounds: readonly Round[]): readonly Figure[] {
  const appends = rounds.map(({ storm }) => storm.effects)
  return [
    {
      what: `storm of ${count(stormRequests)} on one key, appends`,
      target: '1',
      measured: range(appends),
      reached: appends.every((each) => each === 1),
    },
    ratioFigure(
      `storm of ${count(stormRequests)} on one key, p99 vs the replay p99`,
      { max: 3 },
      median(rounds.map(({ storm, replays }) => storm.p99Ms / replays.p99Ms)),
    ),
  ]
}

export const retries = definePart({
  name: 'retries',
  title: 'Retries: a storm, and a mix',
  timeoutMs: 8 * 60_000,
  result,
  measure: measureAll,
  report,
})
