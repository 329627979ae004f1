import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { childEnvironment } from './environment.ts'

export interface RunToExitOptions {
  /** Path of the module to run. */
  readonly entry: string
  readonly args?: readonly string[]
  /** Environment, beside what every process needs. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Then SIGKILL; default 30,000. */
  readonly timeoutMs?: number
}

export interface RunResult {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a module with this Node to its end: for starts that must fail, and for tools. */
export async function runToExit(options: RunToExitOptions): Promise<RunResult> {
  const { entry, args = [], env, cwd, timeoutMs = 30_000 } = options
  const child = spawn(process.execPath, [entry, ...args], {
    env: childEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  clearTimeout(timer)
  return { code, signal, stdout, stderr }
}
