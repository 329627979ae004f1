/**
 * A seal or a verification of a data folder in a process of its own, so that its peak memory is its own.
 *
 * `node measure-once.ts seal|verify <data folder> <seal folder>` prints a line of JSON: {@link AuditRun}.
 */
import { createKeyPair, makeSeal, openComparison, readPrivateKey, readPublicKey, verifyHistory } from '@holdfast/audit'
import { openSqliteHistory } from '@holdfast/event-store-sqlite'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { app } from '../servers/app.ts'

export interface AuditRun {
  readonly events: number
  readonly seconds: number
  /** Peak of the resident memory of the whole process. */
  readonly peakMiB: number
}

const [mode, dataDir = '', folder = ''] = process.argv.slice(2)
const keyFile = join(dataDir, 'bench-private.pem')
if (!existsSync(keyFile)) writeFileSync(keyFile, createKeyPair().privatePem)
const pem = readFileSync(keyFile, 'utf8')
await using history = openSqliteHistory({ dataDir })

const started = performance.now()
const events = mode === 'seal' ? await seal() : await verify()
const run: AuditRun = {
  events,
  seconds: (performance.now() - started) / 1000,
  peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
}
console.log(JSON.stringify(run))

async function seal(): Promise<number> {
  const { checkpoint } = await makeSeal({ history, folder, privateKey: readPrivateKey(pem), nowMs: Date.now() })
  return checkpoint.size
}

async function verify(): Promise<number> {
  const sealed = existsSync(folder)
  const seals = sealed ? await openComparison({ history, folder, publicKey: readPublicKey(pem) }) : undefined
  const report = await verifyHistory({ history, app, seals, nowMs: () => performance.now() })
  await seals?.close()
  if (!report.sound || report.counts.drifts > 0)
    throw new Error(`the seeded history is not sound: ${JSON.stringify(report)}`)
  return report.counts.events
}
