/** One part, in a process of its own: `run-part.ts <part> <setting as JSON> <file for the result>`. */
import { writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import type { Setting } from './part.ts'
import { parts } from './parts/index.ts'
import type { PartRun } from './supervise.ts'

const [name = '', setting = '', output = ''] = process.argv.slice(2)
const part = parts.find((each) => each.name === name)
if (part === undefined) throw new Error(`there is no part "${name}"`)

let run: PartRun
try {
  run = { kind: 'measured', result: await part.measure(JSON.parse(setting) as Setting) }
} catch (error) {
  console.error(inspect(error))
  run = { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
}
writeFileSync(output, JSON.stringify(run))
// Something that holds the process open must not hold the benchmark up.
process.exit(run.kind === 'measured' ? 0 : 1)
