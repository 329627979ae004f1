import { barChart } from '@holdfast/report'
import { z } from 'zod'
import { measure, measured, middle, rateRatios, type Measured } from '../measure.ts'
import { median } from '../median.ts'
import { definePart, type Section, type Setting } from '../part.ts'
import { memoryMbOf } from '../process-tree.ts'
import { measureReplays } from '../replays.ts'
import { count, micros, ms, ratio, table } from '../report/format.ts'
import { contenders, withSystems, type Running } from '../systems/index.ts'
import { orderBody, pidsOf, type Contender } from '../systems/system.ts'

const connections = 64
const prefix = 'seed'
/** Where the front door is the only way in, a store is filled for no longer. */
const fillMs = 45_000

const loads = ['fresh', 'any'] as const
const round = z.object({ fresh: measured, any: measured })

const result = z.object({
  sizes: z.array(z.number()),
  stores: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      /** One of the sizes, and what it really began with: less where it could not be filled in time. */
      size: z.number(),
      keys: z.number(),
      fillSeconds: z.number(),
      /** After all loads. */
      memoryMb: z.number(),
      rounds: z.array(round),
    }),
  ),
  notMeasured: z.array(z.object({ title: z.string(), reason: z.string() })),
})

type Result = z.infer<typeof result>
type Round = z.infer<typeof round>
type Measurement = Result['stores'][number]

interface Store {
  readonly running: Running
  readonly size: number
  readonly keys: number
  readonly fillSeconds: number
}

/** Each system once for each size, all up at once, so that ratios between sizes are taken within a round too. */
async function measureAll(setting: Setting): Promise<Result> {
  const sizes = setting.quick ? [100, 1_000] : [1_000, 100_000, 1_000_000]
  const notMeasured: Result['notMeasured'] = []
  const kept = contenders.filter(({ keepsKeys }) => keepsKeys)
  const stores = await withFilled({ kept, sizes, fillMs: setting.quick ? 3_000 : fillMs, notMeasured }, (filled) =>
    measureRounds(filled, setting),
  )
  return { sizes, stores: [...stores], notMeasured }
}

interface Filling {
  readonly kept: readonly Contender[]
  readonly sizes: readonly number[]
  readonly fillMs: number
  readonly notMeasured: { title: string; reason: string }[]
}

/** Starts and fills one store after the other, and hands all over. */
async function withFilled<T>(filling: Filling, use: (stores: readonly Store[]) => Promise<T>): Promise<T> {
  const wanted = filling.sizes.flatMap((size) => filling.kept.map((contender) => ({ contender, size })))
  const left = new Set<Contender>()
  const open = async (at: number, stores: readonly Store[]): Promise<T> => {
    const next = wanted[at]
    if (next === undefined) return use(stores)
    if (left.has(next.contender)) return open(at + 1, stores)
    const started = performance.now()
    const place = { stored: { prefix, keys: next.size, withinMs: filling.fillMs } }
    return withSystems({ chosen: [next.contender], ...place }, ({ running: [running], skipped }) => {
      const { title } = next.contender
      if (running === undefined) {
        left.add(next.contender)
        filling.notMeasured.push(...skipped)
        return open(at + 1, stores)
      }
      const fillSeconds = (performance.now() - started) / 1000
      const keys = running.system.stored ?? 0
      console.log(`${title}: ${count(keys)} keys, started and filled in ${fillSeconds.toFixed(1)} s`)
      if (keys < next.size) {
        left.add(next.contender)
        const reason = `with ${count(next.size)} keys: it can only be filled through its own ingress, which recorded ${count(keys)} in ${filling.fillMs / 1000} s; measured with these`
        filling.notMeasured.push({ title, reason })
        const larger = filling.sizes.filter((size) => size > next.size)
        for (const size of larger)
          filling.notMeasured.push({ title, reason: `with ${count(size)} keys, for the same reason` })
      }
      return open(at + 1, [...stores, { running, size: next.size, keys, fillSeconds }])
    })
  }
  return open(0, [])
}

async function measureRounds(stores: readonly Store[], setting: Setting): Promise<readonly Measurement[]> {
  // Shorter and fewer: there are many stores.
  const seconds = Math.max(1, setting.seconds - 1)
  const rounds = Math.ceil((setting.rounds * 2) / 3)
  const found = stores.map((): Round[] => [])
  for (const store of stores) await measureRound(store, { name: 'warm', seconds: 1 })
  for (let number = 1; number <= rounds; number++) {
    for (const [index, store] of stores.entries())
      found[index]?.push(await measureRound(store, { name: `r${number}`, seconds }))
    console.log(`round ${number} of ${rounds}`)
  }
  return stores.map(({ running: { contender, system }, size, keys, fillSeconds }, index) => ({
    id: contender.id,
    title: contender.title,
    size,
    keys,
    fillSeconds,
    memoryMb: memoryMbOf(pidsOf(system)),
    rounds: found[index] ?? [],
  }))
}

async function measureRound(
  { running: { system }, keys }: Store,
  { name, seconds }: { readonly name: string; readonly seconds: number },
): Promise<Round> {
  const path = system.paths.plain ?? system.paths['one step'] ?? ''
  const load = { url: system.url, path, body: orderBody, connections, seconds }
  return {
    fresh: await measure(pidsOf(system), { ...load, mode: 'fresh', prefix: name }),
    any: await measureReplays(system, { ...load, prefix, keys }),
  }
}

async function report({ sizes, stores, notMeasured }: Result): Promise<Section> {
  const smallestOf = ({ id }: Measurement): Measurement | undefined =>
    stores.find((each) => each.id === id && each.size === sizes[0])
  const cells = (store: Measurement, load: (typeof loads)[number]): readonly string[] => {
    const { requestsPerSecond, p99Ms, cpuMicros } = middle(store.rounds.map((each) => each[load]))
    return [count(requestsPerSecond), ms(p99Ms), micros(cpuMicros), ratio(ofOther(store, smallestOf(store), load))]
  }
  const ids = [...new Set(stores.map(({ id }) => id))]
  const ordered = ids.flatMap((id) => stores.filter((each) => each.id === id))
  const ofHoldfast = (store: Measurement, load: (typeof loads)[number]): string => {
    const holdfast = stores.find((each) => each.id === 'holdfast' && each.size === store.size)
    return store.id === 'holdfast' || store.keys < store.size ? '' : ratio(ofOther(store, holdfast, load))
  }
  return {
    charts: [
      {
        name: 'keys-stored-peers',
        alt: 'Replays per second of any stored key, for each system and number of keys',
        svg: await barChart({
          title: 'Replays of any stored key, per second',
          subtitle: `${connections} connections; logarithmic`,
          log: true,
          categories: ids.map((id) => stores.find((each) => each.id === id)?.title ?? id),
          series: sizes.map((size) => ({
            name: `${count(size)} keys`,
            values: ids.map((id) => {
              const found = stores.find((each) => each.id === id && each.size === size && each.keys === size)
              return found === undefined ? null : middle(found.rounds.map((each) => each.any)).requestsPerSecond
            }),
          })),
        }),
      },
    ],
    markdown: [
      `All systems with all sizes are up at once, and measured in turn over ${connections} connections: fresh keys, then replays of any of the keys that`,
      'the store began with, at random. Restate and DBOS with one durable step. *Of the fewest* is the ratio to the same system with',
      `${count(sizes[0] ?? 0)} keys, *of Holdfast* that to Holdfast with as many keys, each taken within a round.`,
      '',
      ...table(
        [
          'system',
          'keys stored',
          ...loads.flatMap((load) => [
            load === 'fresh' ? 'fresh/s' : 'replays of any/s',
            'p99 ms',
            'CPU µs',
            'of the fewest',
          ]),
          'fresh, of Holdfast',
          'replays, of Holdfast',
        ],
        ordered.map((store) => [
          store.title,
          count(store.keys),
          ...loads.flatMap((load) => cells(store, load)),
          ...loads.map((load) => ofHoldfast(store, load)),
        ]),
      ),
      '',
      ...table(
        ['system', 'keys stored', 'started and filled in s', 'resident after all loads, MiB'],
        ordered.map(({ title, keys, fillSeconds, memoryMb }) => [
          title,
          count(keys),
          fillSeconds.toFixed(1),
          count(memoryMb),
        ]),
      ),
      '',
      "How they were filled: Holdfast by its own gateway and handler, without HTTP; the Redis recipes with the records that their own code makes, pipelined; DBOS with copies, under other ids, of all rows that it wrote for one order, vacuumed and with a checkpoint behind them; Restate by orders through its ingress. Holdfast's response cache holds some 20,000 responses: with 1,000 keys every replay comes from memory, with 1,000,000 nearly every one from the file. Redis keeps all of them in memory.",
      '',
      ...notMeasured.map(({ title, reason }) => `- **${title}** was not measured ${reason}.`),
      '- **Holdfast on Kafka and EventStoreDB** was not measured with them: the stand-in keeps the index of its streams in memory, and says nothing of how a real server fares with as many.',
    ],
  }
}

/** The median of the ratios of rates, round by round. */
function ofOther(one: Measurement, other: Measurement | undefined, load: (typeof loads)[number]): number {
  const loadOf = ({ rounds }: Measurement): readonly Measured[] => rounds.map((each) => each[load])
  return median(rateRatios(loadOf(one), other === undefined ? [] : loadOf(other)))
}

export const keysStoredPeers = definePart({
  name: 'keys-stored-peers',
  title: 'Beside others, with 1 k, 100 k and 1 M keys stored',
  timeoutMs: 20 * 60_000,
  result,
  measure: measureAll,
  report,
})
