import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LoadResult } from '../load/wrk.ts'

/**
 * The bare loop, measured in processes of its own. They stand still while something else is measured: KafkaJS runs a timer a
 * thousand times a second on each connection.
 *
 * @throws RangeError where it would stand still for about as long as its consumers' session of 30 s
 */
export interface BareLoop {
  measure(connections: number, seconds: number): Promise<LoadResult>
  stop(): Promise<void>
}

const longestSeconds = 20

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
  const signal = (name: NodeJS.Signals): void => {
    for (const child of [front, back]) child.kill(name)
  }
  return {
    async measure(connections, seconds) {
      if (seconds > longestSeconds)
        throw new RangeError(`a load of ${seconds} s beside the loop; the most is ${longestSeconds}`)
      signal('SIGCONT')
      front.stdin.write(`${connections} ${seconds}\n`)
      const line = await lines.next()
      if (line.done === true) throw new Error('the bare loop has ended')
      signal('SIGSTOP')
      return JSON.parse(line.value) as LoadResult
    },
    async stop() {
      signal('SIGTERM')
      signal('SIGCONT')
      for (const child of [front, back]) {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
    },
  }
}
