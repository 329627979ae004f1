import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LoadResult } from '../load/wrk.ts'

/** The bare loop, measured in a process of its own. */
export interface BareLoop {
  measure(connections: number, seconds: number): Promise<LoadResult>
  stop(): Promise<void>
}

export async function startBareLoop(environment: Record<string, string>): Promise<BareLoop> {
  const start = (script: string) =>
    spawn(process.execPath, [join(import.meta.dirname, script)], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  const back = start('kafka-loop-back.ts')
  const front = start('kafka-loop-front.ts')
  const lines = createInterface({ input: front.stdout })[Symbol.asyncIterator]()
  const ready = (line: string): boolean => line.includes('ready')
  const backLines = createInterface({ input: back.stdout })
  await Promise.all([lines.next(), once(backLines, 'line').then(([line]) => ready(String(line)))])
  return {
    async measure(connections, seconds) {
      front.stdin.write(`${connections} ${seconds}\n`)
      const line = await lines.next()
      if (line.done === true) throw new Error('the bare loop has ended')
      return JSON.parse(line.value) as LoadResult
    },
    async stop() {
      for (const child of [front, back]) {
        child.kill('SIGTERM')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
    },
  }
}
