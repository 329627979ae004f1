import { spawn } from 'node:child_process'
import { childEnvironment } from './environment.ts'
import { collectLog, type CollectedLog } from './log-lines.ts'

export interface StartServiceOptions {
  /** Path of the service's `main.ts`. */
  readonly entry: string
  /** `HOLDFAST_*` settings and whatever else it needs. `HOLDFAST_PORT` defaults to 0: a free port. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Time until its log line `"msg":"ready"`; then it is killed and the start fails. Default 30,000. */
  readonly readyTimeoutMs?: number
}

export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A service in a process of its own. Disposing it kills it (SIGKILL, its own pid only) and waits for its end. */
export interface ServiceProcess extends AsyncDisposable {
  readonly pid: number
  /** Where it listens, from its `ready` line; '' for a service without a port. */
  readonly url: string
  readonly log: CollectedLog
  /** Resolves when it has ended, whatever the reason. */
  readonly exited: Promise<Exit>
  /** Sends a signal; false when it has ended already. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'SIGSTOP' | 'SIGCONT'): boolean
}

/** A service ended, or was not ready in time. The message carries its output. */
export class ServiceStartError extends Error {
  override readonly name = 'ServiceStartError'
}

/**
 * Starts one of the services with this Node and waits until it is ready.
 *
 * @throws ServiceStartError when it ends before that, or is not ready in time
 */
export async function startService(options: StartServiceOptions): Promise<ServiceProcess> {
  const { entry, env, cwd, readyTimeoutMs = 30_000 } = options
  const child = spawn(process.execPath, [entry], {
    env: childEnvironment({ HOLDFAST_PORT: '0', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  const log = collectLog([child.stdout, child.stderr])
  const ended = Promise.withResolvers<Exit>()
  let exit: Exit | undefined
  // 'close' comes after the last of the output, 'exit' may come before it.
  child.once('close', (code, signal) => {
    exit = { code, signal }
    ended.resolve(exit)
  })
  child.once('error', (error) => {
    ended.reject(new ServiceStartError(`${entry} could not be run`, { cause: error }))
  })
  const dispose = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended.promise
  }
  const early = ended.promise.then(({ code, signal }) => {
    throw new ServiceStartError(`${entry} ended with ${signal ?? `code ${String(code)}`}\n${log.text()}`)
  })
  early.catch(() => undefined)
  try {
    const ready = log.line((line) => line['msg'] === 'ready', { what: 'ready', timeoutMs: readyTimeoutMs })
    ready.catch(() => undefined)
    const { url } = await Promise.race([ready, early])
    if (child.pid === undefined) throw new ServiceStartError(`${entry} has no process id`)
    return {
      pid: child.pid,
      url: typeof url === 'string' ? url : '',
      log,
      exited: ended.promise,
      kill: (signal) => exit === undefined && child.kill(signal),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    if (error instanceof ServiceStartError) throw error
    throw new ServiceStartError(`${entry} was not ready in ${readyTimeoutMs} ms\n${log.text()}`, { cause: error })
  }
}
