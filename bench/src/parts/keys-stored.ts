import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { barChart } from '@holdfast/report'
import { z } from 'zod'
import { measure, measured, middle, rateRatios, type Measured } from '../measure.ts'
import { median } from '../median.ts'
import { definePart, type Section, type Setting } from '../part.ts'
import { memoryMbOf } from '../process-tree.ts'
import { ratioFigure } from '../report/figures.ts'
import { count, micros, ms, ratio, table } from '../report/format.ts'
import { seedStore } from '../seed.ts'
import type { NodeServer } from '../servers/node-server.ts'
import { startBareDurable } from '../systems/bare-durable.ts'
import { holdfastPaths, startEmbedded } from '../systems/holdfast.ts'
import { orderBody } from '../systems/system.ts'

const connections = 64
const manyConnections = 256
const memoryTargetMb = 250
const seedPrefix = 'seed'

const loads = ['fresh', 'recent', 'any'] as const
const round = z.object({ fresh: measured, recent: measured, any: measured })

const result = z.object({
  sizes: z.array(
    z.object({
      keys: z.number(),
      seedSeconds: z.number(),
      startMs: z.number(),
      fileMb: z.number(),
      rounds: z.array(round),
    }),
  ),
  /** Bare Fastify with one durable row, fresh keys: with the fewest and with the most rows. Absent in results of old. */
  floor: z.array(z.object({ keys: z.number(), rounds: z.array(measured) })).optional(),
  /** The largest store under 256 connections. */
  memory: z.object({ keys: z.number(), idleMb: z.number(), peakMb: z.number(), fresh: measured, any: measured }),
})

type Result = z.infer<typeof result>
type Floor = NonNullable<Result['floor']>[number]
type Round = z.infer<typeof round>

interface FloorStore {
  readonly keys: number
  readonly server: NodeServer
}

interface Store extends FloorStore {
  readonly seedSeconds: number
  readonly startMs: number
  readonly fileMb: number
}

async function measureAll(setting: Setting): Promise<Result> {
  const sizes = setting.quick ? [100, 1_000, 5_000] : [1_000, 100_000, 1_000_000]
  const folders: string[] = []
  const stores: Store[] = []
  const floors: FloorStore[] = []
  const nextFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-keys-'))
    folders.push(folder)
    return folder
  }
  try {
    for (const keys of sizes) {
      stores.push(await openSeeded(await nextFolder(), keys))
      console.log(`${count(keys)} keys are stored`)
    }
    for (const keys of [Math.min(...sizes), Math.max(...sizes)])
      floors.push({ keys, server: await startBareDurable(await nextFolder(), keys) })
    const largest = stores.at(-1)
    if (largest === undefined) throw new Error('there is no store')
    const idleMb = memoryMbOf([largest.server.pid()])
    const rounds = stores.map((): Round[] => [])
    const floorRounds = floors.map((): Measured[] => [])
    const warm = { name: 'warm', seconds: setting.quick ? 1 : 2 }
    for (const store of stores) await measureRound(store, warm)
    for (const floor of floors) await measureFresh(floor, warm)
    for (let number = 1; number <= setting.rounds; number++) {
      for (const [index, store] of stores.entries())
        rounds[index]?.push(await measureRound(store, { name: `r${number}`, seconds: setting.seconds }))
      for (const [index, floor] of floors.entries())
        floorRounds[index]?.push(await measureFresh(floor, { name: `r${number}`, seconds: setting.seconds }))
      console.log(`round ${number} of ${setting.rounds}`)
    }
    const load = loadOn(largest, { connections: manyConnections, seconds: setting.seconds })
    const fresh = await load('fresh', 'many', 0)
    const any = await load('replay', seedPrefix, largest.keys)
    return {
      sizes: stores.map(({ keys, seedSeconds, startMs, fileMb }, index) => ({
        keys,
        seedSeconds,
        startMs,
        fileMb,
        rounds: rounds[index] ?? [],
      })),
      floor: floors.map(({ keys }, index) => ({ keys, rounds: floorRounds[index] ?? [] })),
      memory: { keys: largest.keys, idleMb, peakMb: largest.server.peakMemoryMb(), fresh, any },
    }
  } finally {
    for (const { server } of [...stores, ...floors]) await server.stop()
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  }
}

async function openSeeded(dataDir: string, keys: number): Promise<Store> {
  const seeding = performance.now()
  await seedStore(dataDir, seedPrefix, keys)
  const seedSeconds = (performance.now() - seeding) / 1000
  const { size } = await stat(join(dataDir, 'events.sqlite'))
  const starting = performance.now()
  const server = await startEmbedded(dataDir)
  return { keys, seedSeconds, startMs: performance.now() - starting, fileMb: size / 2 ** 20, server }
}

function loadOn({ server }: FloorStore, run: { readonly connections: number; readonly seconds: number }) {
  return (mode: 'fresh' | 'replay', prefix: string, keys: number): Promise<Measured> =>
    measure([server.pid()], { url: server.url, path: holdfastPaths.plain, body: orderBody, mode, prefix, keys, ...run })
}

interface Run {
  readonly name: string
  readonly seconds: number
}

const measureFresh = (store: FloorStore, { name, seconds }: Run): Promise<Measured> =>
  loadOn(store, { connections, seconds })('fresh', name, 0)

async function measureRound(store: Store, { name, seconds }: Run): Promise<Round> {
  const load = loadOn(store, { connections, seconds })
  const fresh = await measureFresh(store, { name, seconds })
  return {
    fresh,
    recent: await load('replay', name, Math.max(1, Math.min(10_000, fresh.requests - connections))),
    any: await load('replay', seedPrefix, store.keys),
  }
}

const loadNames = {
  fresh: 'fresh keys',
  recent: 'replays of a moment ago',
  any: 'replays of any stored key',
} as const

/** What the floor loses to its index: the rows are written one behind the other, whatever their number. */
function floorText(floor: readonly Floor[]): readonly string[] {
  const [few, many] = [floor[0], floor.at(-1)]
  if (few === undefined || many === undefined) return []
  const lost = median(rateRatios(many.rounds, few.rounds))
  const [ofFew, ofMany] = [middle(few.rounds), middle(many.rounds)]
  return [
    `The floor, a bare route with one durable row for each key and an index on its hash, in the same rounds: ${count(ofFew.requestsPerSecond)}/s`,
    `(${micros(ofFew.cpuMicros)} µs, p99 ${ms(ofFew.p99Ms)} ms) with ${count(few.keys)} rows, ${count(ofMany.requestsPerSecond)}/s (${micros(ofMany.cpuMicros)} µs, p99 ${ms(ofMany.p99Ms)} ms) with ${count(many.keys)}: ${ratio(lost)}.`,
    '',
  ]
}

async function report({ sizes, memory, floor = [] }: Result): Promise<Section> {
  const [smallest, largest] = [sizes[0], sizes.at(-1)]
  const ofSmallest = (size: Result['sizes'][number], load: (typeof loads)[number]): number =>
    median(
      rateRatios(
        size.rounds.map((each) => each[load]),
        smallest?.rounds.map((each) => each[load]) ?? [],
      ),
    )
  return {
    charts: [
      {
        name: 'keys-stored',
        alt: 'Requests per second by the number of stored keys',
        svg: await barChart({
          title: 'Requests per second by keys stored',
          subtitle: `Holdfast embedded, ${connections} connections`,
          categories: sizes.map(({ keys }) => `${count(keys)} keys`),
          series: loads.map((load) => ({
            name: loadNames[load],
            values: sizes.map(({ rounds }) => median(rounds.map((each) => each[load].requestsPerSecond))),
          })),
        }),
      },
    ],
    figures: [
      ...(largest === undefined
        ? []
        : loads.map((load) =>
            ratioFigure(
              `with ${count(largest.keys)} keys stored, vs ${count(smallest?.keys ?? 0)}: ${loadNames[load]}`,
              { min: 0.9 },
              ofSmallest(largest, load),
            ),
          )),
      {
        what: `resident memory, ${manyConnections} connections, ${count(memory.keys)} keys`,
        target: `≤ ${memoryTargetMb} MB`,
        measured: `${count(memory.peakMb * 1.048576)} MB`,
        reached: memory.peakMb * 1.048576 <= memoryTargetMb,
      },
    ],
    markdown: [
      `Stores that were filled beforehand through gateway and handler, one embedded server on each, ${connections} connections, in turn.`,
      'Replays of any stored key ask for keys at random. With the fewest keys all of them come from memory, with the most nearly all from',
      'the file: the ratio of the two is that of memory to file, not of few keys to many.',
      '',
      ...table(
        [
          'keys stored',
          'load',
          'requests/s',
          'p50 ms',
          'p99 ms',
          'CPU µs/request',
          `of the store with ${count(smallest?.keys ?? 0)}`,
        ],
        sizes.flatMap((size) =>
          loads.map((load) => {
            const { requestsPerSecond, p50Ms, p99Ms, cpuMicros } = middle(size.rounds.map((each) => each[load]))
            return [
              count(size.keys),
              loadNames[load],
              count(requestsPerSecond),
              ms(p50Ms),
              ms(p99Ms),
              micros(cpuMicros),
              ratio(ofSmallest(size, load)),
            ]
          }),
        ),
      ),
      '',
      ...floorText(floor),
      ...table(
        ['keys stored', 'filled in s', 'file, MiB', 'start, ms'],
        sizes.map(({ keys, seedSeconds, fileMb, startMs }) => [
          count(keys),
          seedSeconds.toFixed(1),
          count(fileMb),
          count(startMs),
        ]),
      ),
      '',
      `With ${count(memory.keys)} keys and ${manyConnections} connections: fresh ${count(memory.fresh.requestsPerSecond)}/s, p99 ${ms(memory.fresh.p99Ms)} ms;`,
      `replays of any key ${count(memory.any.requestsPerSecond)}/s, p99 ${ms(memory.any.p99Ms)} ms. Resident memory: ${memory.idleMb} MiB after the start, at its highest ${memory.peakMb} MiB.`,
    ],
  }
}

export const keysStored = definePart({
  name: 'keys-stored',
  title: 'Embedded, with 1 k, 100 k and 1 M keys stored',
  timeoutMs: 10 * 60_000,
  result,
  measure: measureAll,
  report,
})
