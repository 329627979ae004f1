import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { lineChart } from '@holdfast/report'
import { z } from 'zod'
import { median } from '../median.ts'
import { definePart, type Section, type Setting } from '../part.ts'
import { count, ratio, table } from '../report/format.ts'
import { seedStore } from '../seed.ts'

const run = z.object({ events: z.number(), seconds: z.number(), peakMiB: z.number() })

const result = z.object({
  sizes: z.array(
    z.object({
      events: z.number(),
      fileMiB: z.number(),
      /** One after the other: all that is there is sealed anew in each. */
      seal: z.array(run),
      verify: z.array(run),
      verifySealed: z.array(run),
    }),
  ),
})

type Result = z.infer<typeof result>
type Size = Result['sizes'][number]
type Run = z.infer<typeof run>

const script = join(import.meta.dirname, '../audit/measure-once.ts')
const runFile = promisify(execFile)

async function once(mode: 'seal' | 'verify', dataDir: string, folder: string): Promise<Run> {
  const { stdout } = await runFile(process.execPath, [script, mode, dataDir, folder])
  return run.parse(JSON.parse(stdout))
}

async function measureAll(setting: Setting): Promise<Result> {
  const keys = setting.quick ? [500, 2_000] : [100_000, 300_000, 1_000_000]
  const rounds = Math.min(setting.rounds, 3)
  const sizes: Size[] = []
  for (const many of keys) {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-audit-'))
    try {
      await seedStore(folder, 'audit', many)
      const { size } = await stat(join(folder, 'events.sqlite'))
      const [seal, verify, verifySealed]: [Run[], Run[], Run[]] = [[], [], []]
      for (let round = 1; round <= rounds; round++) {
        const seals = join(folder, `seal-${round}`)
        verify.push(await once('verify', folder, join(folder, 'none')))
        seal.push(await once('seal', folder, seals))
        verifySealed.push(await once('verify', folder, seals))
      }
      const events = verify[0]?.events ?? 0
      sizes.push({ events, fileMiB: Math.round(size / 2 ** 20), seal, verify, verifySealed })
      console.log(`${count(events)} events: verified in ${median(verify.map(({ seconds }) => seconds)).toFixed(1)} s`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return { sizes }
}

const rate = (runs: readonly Run[]): number => median(runs.map(({ events, seconds }) => events / seconds))
const peak = (runs: readonly Run[]): number => Math.max(...runs.map(({ peakMiB }) => peakMiB))

const linearity = 0.7
const memoryTargetMiB = 400

async function report({ sizes }: Result): Promise<Section> {
  const [smallest, largest] = [sizes[0], sizes.at(-1)]
  if (smallest === undefined || largest === undefined) return { markdown: ['Nothing was measured.'] }
  const kept = rate(largest.verify) / rate(smallest.verify)
  return {
    figures: [
      {
        what: `audit verify, events/s with ${count(largest.events)} events vs ${count(smallest.events)}`,
        target: `≥ ${ratio(linearity)}: linear`,
        measured: ratio(kept),
        reached: kept >= linearity,
      },
      {
        what: `audit verify, peak memory with ${count(largest.events)} events`,
        target: `≤ ${memoryTargetMiB} MiB`,
        measured: `${count(peak(largest.verify))} MiB`,
        reached: peak(largest.verify) <= memoryTargetMiB,
      },
    ],
    charts: [
      {
        name: 'audit',
        alt: 'Seconds of a verification by the number of events',
        svg: await lineChart({
          title: 'audit verify by number of events',
          xLabel: 'events',
          yLabel: 'seconds',
          series: [
            { name: 'verify', points: sizes.map((size) => [size.events, size.events / rate(size.verify)] as const) },
            {
              name: 'verify with a seal',
              points: sizes.map((size) => [size.events, size.events / rate(size.verifySealed)] as const),
            },
          ],
        }),
      },
    ],
    markdown: [
      'Histories of pure commands, one event each, made by gateway and handler. Each run is a process of its own; responses and',
      'fingerprints are made again for every event. Seals are made anew, from the first event on.',
      '',
      ...table(
        ['events', 'file, MiB', 'what', 'events/s', 'seconds', 'peak memory, MiB'],
        sizes.flatMap((size) =>
          (['verify', 'seal', 'verifySealed'] as const).map((what) => [
            count(size.events),
            count(size.fileMiB),
            { verify: 'verify', seal: 'seal', verifySealed: 'verify with a seal' }[what],
            count(rate(size[what])),
            (size.events / rate(size[what])).toFixed(1),
            count(peak(size[what])),
          ]),
        ),
      ),
    ],
  }
}

export const audit = definePart({
  name: 'audit',
  title: 'Audits: verify and seal',
  timeoutMs: 15 * 60_000,
  result,
  measure: measureAll,
  report,
})
