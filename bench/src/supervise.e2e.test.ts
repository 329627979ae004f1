import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@holdfast/testing/processes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runPart, type PartRun } from './supervise.ts'

const setting = { quick: true, rounds: 1, seconds: 1 }
/** Starts a server that never ends by itself and ignores SIGTERM, and writes its pid down. */
const startServer = `
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
const server = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'ignore'] })
await new Promise((resolve) => server.stdout.once('data', resolve))
writeFileSync(process.env.PID_FILE, String(server.pid))
`

describe('a part of the benchmark', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-supervise-'))
    process.env['PID_FILE'] = join(folder, 'pid')
  })
  afterAll(() => {
    delete process.env['PID_FILE']
    rmSync(folder, { recursive: true, force: true })
  })

  function run(program: string, timeoutMs: number): Promise<PartRun> {
    const script = join(folder, 'part.mjs')
    writeFileSync(script, program)
    return runPart({ part: { name: 'test', timeoutMs }, setting, script })
  }
  async function serverIsGone(): Promise<void> {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    await until(() => !isAlive(pid), { what: 'the server is gone' })
  }

  test('that measures hands its result on, and nothing that it started is left', async () => {
    const program = `${startServer}
writeFileSync(process.argv[4], JSON.stringify({ kind: 'measured', result: { name: process.argv[2], setting: JSON.parse(process.argv[3]) } }))
process.exit(0)`
    expect(await run(program, 60_000)).toEqual({ kind: 'measured', result: { name: 'test', setting } })
    await serverIsGone()
  })

  test('that hangs is ended with all that it started', async () => {
    const program = `${startServer}\nawait new Promise((resolve) => setTimeout(resolve, 600_000))`
    expect(await run(program, 3_000)).toEqual({ kind: 'failed', reason: 'took longer than 3 s' })
    await serverIsGone()
  })

  test('that crashes is reported', async () => {
    expect(await run('process.exit(7)', 60_000)).toEqual({ kind: 'failed', reason: 'ended with 7' })
  })
})

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and was not waited for yet still has a pid.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
