import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { nodeEnvironment, nodeFlags } from '../servers/node-server.ts'
import { median } from '../median.ts'
import { definePart, type Section, type Setting } from '../part.ts'
import { ratioFigure } from '../report/figures.ts'
import { count, ratio, table } from '../report/format.ts'
import { seedStore } from '../seed.ts'

const modes = ['bare', 'sales', 'orders', 'from-events'] as const
type Mode = (typeof modes)[number]

const run = z.object({ seconds: z.number(), events: z.number(), peakMb: z.number() })
const round = z.object({ bare: run, sales: run, orders: run, 'from-events': run })
const result = z.object({ events: z.number(), rounds: z.array(round), tenth: round })
type Round = z.infer<typeof round>
type Result = z.infer<typeof result>

const script = join(import.meta.dirname, '../runs/rebuild.ts')
const execute = promisify(execFile)

async function runOnce(mode: Mode, dataDir: string): Promise<z.infer<typeof run>> {
  const { stdout } = await execute(process.execPath, [...nodeFlags(), script, mode, dataDir], {
    env: { ...process.env, ...nodeEnvironment() },
  })
  return run.parse(JSON.parse(stdout))
}

async function runAll(dataDir: string): Promise<Round> {
  const bare = await runOnce('bare', dataDir)
  const sales = await runOnce('sales', dataDir)
  const orders = await runOnce('orders', dataDir)
  return { bare, sales, orders, 'from-events': await runOnce('from-events', dataDir) }
}

async function measureAll({ quick, rounds }: Setting): Promise<Result> {
  const events = quick ? 5_000 : 1_000_000
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-rebuild-'))
  try {
    const [whole, small] = [join(folder, 'whole'), join(folder, 'tenth')]
    await seedStore(small, 'seed', events / 10)
    await seedStore(whole, 'seed', events)
    console.log(`${count(events)} events are stored`)
    const tenth = await runAll(small)
    const all: Round[] = []
    for (let number = 1; number <= rounds; number++) {
      all.push(await runAll(whole))
      console.log(`round ${number} of ${rounds}`)
    }
    return { events, rounds: all, tenth }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const names: Record<Mode, string> = {
  bare: 'bare: `SELECT … ORDER BY position`, JSON parsed',
  sales: 'projector, one document per product',
  orders: 'projector, one document per event',
  'from-events': 'rebuild in memory, as an audit does',
}

function report({ events, rounds, tenth }: Result): Section {
  const rate = ({ seconds, events: folded }: z.infer<typeof run>): number => folded / seconds
  const ofBare = (mode: Mode): number => median(rounds.map((each) => rate(each[mode]) / rate(each.bare)))
  const peak = (mode: Mode): number => median(rounds.map((each) => each[mode].peakMb))
  return {
    figures: [
      ratioFigure(`${names.sales}, ${count(events)} events, vs bare`, { min: 0.5 }, ofBare('sales')),
      ratioFigure(`${names.orders}, ${count(events)} events, vs bare`, { min: 0.5 }, ofBare('orders')),
      ratioFigure(
        'memory at its highest, with ten times the events (one document per event)',
        { max: 1.25 },
        peak('orders') / tenth.orders.peakMb,
      ),
    ],
    markdown: [
      `A store with ${count(events)} orders of one event each, with envelope and response; each run a process of its own, in turn.`,
      'The projector folds from the first event into an empty read store on SQLite, until it has caught up; documents, checkpoint and',
      'snapshots are written. Stores are open before the clock starts. The bare loop does nothing with what it has parsed.',
      '',
      ...table(
        ['run', 'events/s', 'vs bare', 'highest memory, MiB', 'with a tenth of the events, MiB'],
        modes.map((mode) => [
          names[mode],
          count(median(rounds.map((each) => rate(each[mode])))),
          ratio(ofBare(mode)),
          count(peak(mode)),
          count(tenth[mode].peakMb),
        ]),
      ),
    ],
  }
}

export const rebuild = definePart({
  name: 'rebuild',
  title: 'Projections built from the first event, SQLite',
  timeoutMs: 15 * 60_000,
  result,
  measure: measureAll,
  report,
})
