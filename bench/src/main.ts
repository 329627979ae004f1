/** `npm run bench`: measures part by part, and writes `bench/REPORT.md`, its charts and `bench/results`. */
import { commitOf, machineText } from './machine.ts'
import { parseOptions, usage, type Options } from './options.ts'
import { parts } from './parts/index.ts'
import { figuresText } from './report/figures.ts'
import { writeReport } from './report/write-report.ts'
import { createResults } from './results.ts'
import { runPart } from './supervise.ts'
import { wrkVersion } from './load/wrk.ts'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..')

async function bench({ chosen, setting }: Options): Promise<boolean> {
  // What a quick run finds must not be taken for a measurement: it goes into a folder that git ignores.
  const output = setting.quick ? join(folder, 'quick') : folder
  const results = createResults(join(output, 'results'))
  // Also tells at once when it is missing.
  const wrk = chosen.length > 0 ? await wrkVersion() : ''
  let failed = false
  for (const part of chosen) {
    console.log(`\n== ${part.name}: ${part.title}`)
    const started = performance.now()
    const measuredAt = new Date().toISOString()
    const run = await runPart({ part, setting })
    const tookSeconds = Math.round((performance.now() - started) / 1000)
    const { rounds, seconds } = setting
    const provenance = {
      measuredAt,
      commit: commitOf(),
      machine: machineText(),
      node: process.version,
      wrk,
      rounds,
      seconds,
      tookSeconds,
    }
    if (run.kind === 'measured') {
      results.write(part.name, { last: { provenance, result: run.result } })
      console.log(`== ${part.name}: ${tookSeconds} s`)
    } else {
      failed = true
      results.write(part.name, { ...results.read(part.name), failure: { provenance, reason: run.reason } })
      console.error(`== ${part.name} FAILED after ${tookSeconds} s: ${run.reason}`)
    }
  }
  const { figures, file } = await writeReport({ parts, results, output })
  console.log(`\n${figuresText(figures).join('\n')}\n\n${file}`)
  return !failed
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else if (options === 'list') for (const { name, title } of parts) console.log(`${name.padEnd(16)} ${title}`)
  else if (!(await bench(options))) process.exitCode = 1
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
