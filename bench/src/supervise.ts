import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Setting } from './part.ts'

const runner = join(import.meta.dirname, 'run-part.ts')
/** How long a part that is told to end may clean up. */
const graceMs = 10_000

export type PartRun =
  { readonly kind: 'measured'; readonly result: unknown } | { readonly kind: 'failed'; readonly reason: string }

export interface Supervised {
  readonly part: { readonly name: string; readonly timeoutMs: number }
  readonly setting: Setting
  /** What runs the part and writes a {@link PartRun}. Default: `run-part.ts`. */
  readonly script?: string
}

/**
 * Runs one part in a process group of its own, bounded in time. Whatever becomes of it, nothing that it started is left:
 * the group is killed behind it.
 */
export async function runPart({ part, setting, script = runner }: Supervised): Promise<PartRun> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-part-'))
  // PostgreSQL runs as a user of its own, who must get through to the folder of its data.
  chmodSync(folder, 0o711)
  const output = join(folder, 'result.json')
  const child = spawn(process.execPath, [script, part.name, JSON.stringify(setting), output], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  })
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
  const leave = (): void => {
    signalGroup('SIGKILL')
    process.exit(130)
  }
  process.once('SIGINT', leave).once('SIGTERM', leave)
  let timedOut = false
  let last: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    timedOut = true
    signalGroup('SIGTERM')
    last = setTimeout(() => {
      signalGroup('SIGKILL')
    }, graceMs)
  }, part.timeoutMs)
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message)
    })
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? '' : `ended with ${code ?? signal ?? 'nothing'}`)
    })
  })
  clearTimeout(timer)
  clearTimeout(last)
  signalGroup('SIGKILL')
  process.off('SIGINT', leave).off('SIGTERM', leave)
  try {
    if (timedOut) return { kind: 'failed', reason: `took longer than ${Math.round(part.timeoutMs / 1000)} s` }
    return readRun(output) ?? { kind: 'failed', reason: ended === '' ? 'left no result' : ended }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

function readRun(file: string): PartRun | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PartRun
  } catch {
    return undefined
  }
}
