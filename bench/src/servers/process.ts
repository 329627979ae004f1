import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

const readyTimeoutMs = 60_000
const stopTimeoutMs = 15_000

/** A server that this process has started. */
export interface ServerProcess {
  /** After a restart it is another one. */
  pid(): number
  /** SIGTERM, and SIGKILL when that is not enough. */
  stop(): Promise<void>
  /** Ends it as a crash does. */
  crash(): Promise<void>
  /** Starts it again as it was started: same ports, same data. */
  start(): Promise<void>
}

export interface ServerProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
  readonly gid?: number
  /** On this signal it ends in order. SIGTERM unless told otherwise. */
  readonly stopSignal?: NodeJS.Signals
  /** What ends it as a crash does. SIGKILL unless told otherwise. */
  readonly crashSignal?: NodeJS.Signals
  /** True for the line of its output that says that it is up. */
  readonly isReady: (line: string) => boolean
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Starts a program and waits until it is up. @throws Error with its last lines when it ends before, or takes too long */
export async function startProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { stopSignal = 'SIGTERM', crashSignal = 'SIGKILL' } = options
  let child = await spawnReady(options)
  return {
    pid: () => child.pid ?? 0,
    stop: () => end(child, stopSignal),
    crash: () => end(child, crashSignal),
    async start() {
      child = await spawnReady(options)
    },
  }
}

async function spawnReady(options: ServerProcessOptions): Promise<ChildProcess> {
  const { command, args, cwd, env, uid, gid } = options
  const child = spawn(command, args, {
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    await untilReady(child, options)
    return child
  } catch (error) {
    await end(child, 'SIGKILL')
    throw error
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  child.kill(signal)
  await once(child, 'exit')
  clearTimeout(timer)
}

const hasEnded = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null

async function untilReady(child: ChildProcess, { command, isReady }: ServerProcessOptions): Promise<void> {
  const lines: string[] = []
  let up = false
  const lastLines = (): string => lines.join(' / ')
  await new Promise<void>((resolve, reject) => {
    const settle = (reason?: string): void => {
      clearTimeout(timer)
      if (reason === undefined) resolve()
      else reject(new Error(`${command} ${reason}: ${lastLines()}`))
    }
    const timer = setTimeout(settle, readyTimeoutMs, `was not up within ${readyTimeoutMs / 1000} s`)
    const take = (line: string): void => {
      if (lines.push(line) > 10) lines.shift()
      if (up || !isReady(line)) return
      up = true
      settle()
    }
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', take)
    child.once('error', (error) => {
      settle(error.message)
    })
    child.once('exit', (code, signal) => {
      if (!up) settle(`ended with ${code ?? signal ?? 'nothing'} before it was up`)
      else if (code !== 0 && !child.killed) console.error(`${command} ended with ${code ?? signal}: ${lastLines()}`)
    })
  })
}
