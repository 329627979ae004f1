/** `npm run bench`: measures, prints, and writes `bench/REPORT.md`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { wrkVersion } from './load/wrk.ts'
import { benchDistributed } from './parts/distributed.ts'
import { benchEmbedded } from './parts/embedded.ts'
import { reportText } from './report.ts'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)
const seconds = Number(process.env['BENCH_SECONDS'] ?? 6)
const connections = 64

try {
  const wrk = await wrkVersion()
  const embedded = await benchEmbedded({ rounds, seconds, connections })
  const distributed = await benchDistributed({ rounds: Math.min(rounds, 3), seconds: Math.min(seconds, 4) })
  const text = reportText({ wrk, connections, seconds, embedded, distributed })
  writeFileSync(join(import.meta.dirname, '../REPORT.md'), text)
  console.log(text)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
