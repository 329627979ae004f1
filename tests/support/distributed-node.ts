import { startService, type Exit, type LogLine, type ServiceProcess } from '@holdfast/testing/processes'

export interface ServiceNodeOptions {
  /** Path of the service's `main.ts`. */
  readonly entry: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * One gateway or handler of a cluster over all its lives: it can be killed, paused, stopped in order, and started again
 * on the same port. Disposing it kills it.
 */
export interface ServiceNode extends AsyncDisposable {
  /** Origin; the same for all its lives. */
  readonly url: string
  /** The process of now, or the one that was last. */
  readonly process: ServiceProcess
  /** What it has logged in all its lives. */
  logLines(): readonly LogLine[]
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<Exit>
  /** SIGTERM: a shutdown in order; resolves when the process is gone. */
  stop(): Promise<Exit>
  /** SIGSTOP: the process does nothing any more, and its connections stay open. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** A new process on the old port, with changed settings if there are any; resolves when it is ready. */
  start(env?: Readonly<Record<string, string>>): Promise<void>
  /** Wakes it if it is paused, starts it if it has ended. */
  revive(): Promise<void>
}

/** A broker that recovers is waited for; and the machine may have other work. */
const readyTimeoutMs = 90_000

/** Starts a service on a free port, as the first life of a node. */
export async function startNode({ entry, env }: ServiceNodeOptions): Promise<ServiceNode> {
  const begin = (settings: Readonly<Record<string, string>>): Promise<ServiceProcess> =>
    startService({ entry, env: settings, readyTimeoutMs })
  const lives = [await begin(env)]
  const url = lives[0]?.url ?? ''
  const current = (): ServiceProcess => {
    const last = lives.at(-1)
    if (last === undefined) throw new Error('a node has a first life')
    return last
  }
  const end = (signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> => {
    current().kill(signal)
    return current().exited
  }
  const restart = async (changed: Readonly<Record<string, string>> = {}): Promise<void> => {
    await current().exited
    lives.push(await begin({ ...env, ...changed, HOLDFAST_PORT: new URL(url).port }))
  }
  return {
    url,
    get process() {
      return current()
    },
    logLines: () => lives.flatMap((life) => life.log.lines),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    pause: () => void current().kill('SIGSTOP'),
    resume: () => void current().kill('SIGCONT'),
    start: restart,
    async revive() {
      if (!current().kill('SIGCONT')) await restart()
    },
    [Symbol.asyncDispose]: () => current()[Symbol.asyncDispose](),
  }
}
