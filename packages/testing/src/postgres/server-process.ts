import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findPostgresPrograms, PostgresUnavailableError, serverAccount } from './postgres-programs.ts'
import { postgresOwner, prepareCluster } from './server-files.ts'

export interface PostgresProcessOptions {
  /** TCP port on 127.0.0.1. */
  readonly port: number
  /** Folder that keeps the server's data; made when it is not there. */
  readonly dataDir: string
  /** Called with each line that the server logs. */
  readonly onLog?: (line: string) => void
}

/** A server in a process of its own. */
export interface PostgresProcess {
  /** `postgres://…` of its database. */
  readonly url: string
  /** Undefined while it is not running. */
  readonly pid: number | undefined
  /** Starts it and waits until it serves (bounded: 60 s). */
  start(): Promise<void>
  /** SIGKILL to the server and to the processes of its connections: nothing is flushed, nobody is told. */
  kill(): Promise<void>
  /** A fast shutdown (SIGINT: connections are ended, data are flushed); SIGKILL after 20 s. */
  stop(): Promise<void>
  /** Resolves with a message when the process ends without having been asked to. */
  readonly died: Promise<string>
}

const startTimeoutMs = 60_000
const stopTimeoutMs = 20_000

/** Only loopback, no file system sockets; `fsync` and `synchronous_commit` stay on: what is acknowledged is on disk. */
const settings = (port: number): readonly string[] =>
  Object.entries({
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 50,
    shared_buffers: '32MB',
    fsync: 'on',
    // A killed test process is noticed when its connection is used; these notice it when it is not, too.
    tcp_keepalives_idle: 30,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/**
 * A PostgreSQL server from the programs of this machine; not started yet. The data folder is made here.
 *
 * @throws PostgresUnavailableError when the programs are missing, or the data folder cannot be made
 */
export async function createPostgresProcess(options: PostgresProcessOptions): Promise<PostgresProcess> {
  const programs = findPostgresPrograms()
  if (programs === undefined) throw new PostgresUnavailableError('no "initdb" and "postgres" found')
  const { port, dataDir } = options
  const account = serverAccount()
  await prepareCluster(programs, dataDir, account)
  const args = ['-D', dataDir, ...settings(port)]
  const died = Promise.withResolvers<string>()
  let child: ChildProcess | undefined
  let stopping = false

  const start = async (): Promise<void> => {
    stopping = false
    // Away from the caller's folder, which the server's account may not enter.
    const started = spawn(join(programs, 'postgres'), args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', ...account })
    child = started
    let fault = 'no output'
    const ready = Promise.withResolvers<void>()
    const fail = (why: string): void =>
      ready.reject(new PostgresUnavailableError(`the server did not start (${why}): ${fault}`))
    const onLine = (line: string): void => {
      options.onLog?.(line)
      if (/ (FATAL|PANIC): /.test(line)) fault = line
      if (line.includes('database system is ready to accept connections')) ready.resolve()
    }
    for (const stream of [started.stdout, started.stderr]) createInterface({ input: stream }).on('line', onLine)
    started.once('error', (error) => fail(error.message))
    // 'close' comes after the last of the output, which says why.
    started.once('close', (code, signal) => {
      if (child === started) child = undefined
      const how = signal ?? `code ${String(code)}`
      fail(`it ended with ${how}`)
      if (!stopping) died.resolve(`the server ended with ${how}: ${fault}`)
    })
    const timer = setTimeout(() => fail(`not ready after ${startTimeoutMs / 1000} s`), startTimeoutMs)
    try {
      await ready.promise
    } catch (error) {
      await end('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  const end = async (signal: 'SIGKILL' | 'SIGINT'): Promise<void> => {
    stopping = true
    const running = child
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return
    const gone = once(running, 'close')
    if (signal === 'SIGKILL') killWithChildren(running.pid)
    else running.kill(signal)
    const timer = setTimeout(() => running.kill('SIGKILL'), stopTimeoutMs)
    await gone
    clearTimeout(timer)
  }

  return {
    url: `postgres://${postgresOwner}:${postgresOwner}@127.0.0.1:${port}/postgres`,
    get pid() {
      return child?.pid
    },
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGINT'),
    died: died.promise,
  }
}

/**
 * The server forks a process for each connection and some more, each a session of its own. They notice the server's
 * death by themselves, but not at once, and as long as one lives no server starts on the same data.
 */
export function killWithChildren(pid: number): void {
  const children = childrenOf(pid)
  for (const victim of [pid, ...children]) {
    try {
      process.kill(victim, 'SIGKILL')
    } catch {
      // It has ended in the meantime.
    }
  }
}

/** Linux only; elsewhere none, and they end by themselves. */
function childrenOf(pid: number): readonly number[] {
  try {
    const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return listed === '' ? [] : listed.split(' ').map(Number)
  } catch {
    return []
  }
}
