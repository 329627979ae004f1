import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { jvmFlags, prepareBroker } from './broker-files.ts'
import { KafkaUnavailableError, ensureKafkaJars, findJava, isAlive } from './kafka-jars.ts'

export interface BrokerProcessOptions {
  /** TCP port on 127.0.0.1 for clients. */
  readonly port: number
  /** TCP port on 127.0.0.1 for the node's own controller. */
  readonly controllerPort: number
  /** Where clients are told to connect; default: `port`. */
  readonly advertisedPort?: number
  /** Folder that keeps the node's data; formatted when it is empty. */
  readonly dataDir: string
  /** Heap as in `-Xmx`. Default '384m', enough for tests: resident about 220 MB. */
  readonly heap?: string
  /** Default 3000 (the broker's own is 9000): what a restart after `kill -9` waits at least, milliseconds. */
  readonly sessionTimeoutMs?: number
  /** Called with each line that the broker logs. */
  readonly onLog?: (line: string) => void
}

/** A broker in a process of its own. */
export interface BrokerProcess {
  /** Undefined while it is not running. */
  readonly pid: number | undefined
  /** Starts it and waits until it serves (bounded: 60 s). */
  start(): Promise<void>
  /** SIGKILL: nothing is flushed, nobody is told. Resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM and a clean shutdown; SIGKILL after 20 s. */
  stop(): Promise<void>
  /** Resolves with a message when the process ends without having been asked to. */
  readonly died: Promise<string>
}

const startTimeoutMs = 60_000
const stopTimeoutMs = 20_000

/**
 * A single-node KRaft broker from Maven Central's jars; not started yet.
 *
 * @throws KafkaUnavailableError when Java or Maven is missing, or the data folder cannot be formatted
 */
export async function createBrokerProcess(options: BrokerProcessOptions): Promise<BrokerProcess> {
  const java = findJava()
  if (java === undefined) throw new KafkaUnavailableError('Java (17 or newer) is neither in JAVA_HOME nor on PATH')
  const libs = await ensureKafkaJars()
  const { heap = '384m', sessionTimeoutMs = 3000 } = options
  const files = await prepareBroker(java, libs, { ...options, sessionTimeoutMs })
  const args = [...jvmFlags(heap, files.log4j), '-cp', `${libs}/*`, 'kafka.Kafka', files.properties]
  const died = Promise.withResolvers<string>()
  let child: ChildProcess | undefined
  let stopping = false
  const pidFile = join(options.dataDir, 'broker.pid')

  const start = async () => {
    await refuseFolderInUse(pidFile)
    stopping = false
    const started = spawn(java, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    const tail: string[] = []
    const ready = Promise.withResolvers<void>()
    const fail = (why: string) =>
      ready.reject(new KafkaUnavailableError(`the broker did not start (${why}): ${tail.at(-1) ?? 'no output'}`))
    const onLine = (line: string) => {
      options.onLog?.(line)
      if (/ (ERROR|FATAL) |Exception/.test(line)) tail.push(line)
      // Logged when the broker is no longer fenced, that is, after the wait for its own old session.
      if (line.includes('Kafka Server started')) ready.resolve()
    }
    for (const stream of [started.stdout, started.stderr]) createInterface({ input: stream }).on('line', onLine)
    started.once('error', (error) => fail(error.message))
    started.once('exit', (code, signal) => {
      if (child === started) child = undefined
      fail(`it ended with ${signal ?? `code ${String(code)}`}`)
      if (!stopping) died.resolve(`the broker ended with ${signal ?? `code ${String(code)}`}: ${tail.at(-1) ?? ''}`)
    })
    const timer = setTimeout(() => fail(`not ready after ${startTimeoutMs / 1000} s`), startTimeoutMs)
    try {
      await Promise.all([ready.promise, writeFile(pidFile, String(started.pid))])
    } catch (error) {
      await end('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    stopping = true
    const running = child
    if (running?.exitCode !== null || running.signalCode !== null) return
    const gone = once(running, 'exit')
    running.kill(signal)
    const timer = setTimeout(() => running.kill('SIGKILL'), stopTimeoutMs)
    await gone
    clearTimeout(timer)
  }

  return {
    get pid() {
      return child?.pid
    },
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    died: died.promise,
  }
}

/**
 * A second broker on one data folder is refused by the folder's own lock, but on its way there it damages the metadata
 * log of the first, which then ends with "Unexpected error in raft IO thread" (seen with Kafka 4.3.1).
 */
async function refuseFolderInUse(pidFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (pid > 0 && isAlive(pid)) {
    throw new KafkaUnavailableError(`process ${pid} uses the data folder (if it is no broker, delete ${pidFile})`)
  }
}
