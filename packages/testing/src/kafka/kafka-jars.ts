import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A broker that cannot be had on this machine; the message is one line and says what is missing. */
export class KafkaUnavailableError extends Error {
  override readonly name = 'KafkaUnavailableError'
}

/** Path of a program on `PATH`, or undefined. */
export function findProgram(name: string): string | undefined {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : ['']
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const path = join(folder, `${name}${suffix}`)
      if (folder !== '' && existsSync(path)) return path
    }
  }
  return undefined
}

/** `java` from `JAVA_HOME`, else from `PATH`. Kafka 4 needs Java 17 or newer. */
export function findJava(): string | undefined {
  const home = process.env['JAVA_HOME']
  const path = home === undefined || home === '' ? undefined : join(home, 'bin', 'java')
  return path !== undefined && existsSync(path) ? path : findProgram('java')
}

/** The folder `infra/kafka` of the repository, found upwards from this file. */
function infraFolder(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'infra', 'kafka')
    if (existsSync(join(candidate, 'pom.xml'))) return candidate
  }
  throw new KafkaUnavailableError(
    'infra/kafka/pom.xml is not above the test kit: run from a checkout of the repository',
  )
}

/** Where the jars are kept: `HOLDFAST_KAFKA_LIBS`, else `infra/kafka/target/libs` (outside git). */
function jarsFolder(): string {
  const named = process.env['HOLDFAST_KAFKA_LIBS']
  return named === undefined || named === '' ? join(infraFolder(), 'target', 'libs') : named
}

/** True when the jars were fetched before. */
export function haveKafkaJars(): boolean {
  return existsSync(jarsFolder())
}

/**
 * The folder with the broker's jars; fetches them from Maven Central (44 MB) when they are not there yet. Several
 * processes may ask at once: one fetches under a lock, the folder appears by a rename, complete or not at all.
 *
 * @throws KafkaUnavailableError when Maven is missing or fails
 */
export async function ensureKafkaJars(): Promise<string> {
  const libs = jarsFolder()
  if (existsSync(libs)) return libs
  const maven = findProgram('mvn')
  if (maven === undefined) {
    throw new KafkaUnavailableError('Maven (mvn) is not on PATH, and the jars of Apache Kafka were not fetched before')
  }
  await mkdir(dirname(libs), { recursive: true })
  const lock = `${libs}.lock`
  while (!existsSync(libs)) {
    if (!(await takeLock(lock))) {
      await delay(200)
      continue
    }
    try {
      if (!existsSync(libs)) await fetchJars(maven, libs)
    } finally {
      await rm(lock, { recursive: true, force: true })
    }
  }
  return libs
}

/** A directory as lock: its creation is atomic. A lock whose owner is gone, or that lost its owner's name, is broken. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    await writeFile(join(lock, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const owner = Number(await readFile(join(lock, 'pid'), 'utf8').catch(() => ''))
  if (owner > 0 ? !isAlive(owner) : await isOlderThan(lock, 5000)) await rm(lock, { recursive: true, force: true })
  return false
}

async function isOlderThan(path: string, ms: number): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
  return Date.now() - mtimeMs > ms
}

/** True when a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function fetchJars(maven: string, libs: string): Promise<void> {
  const partial = `${libs}.partial`
  await rm(partial, { recursive: true, force: true })
  const pom = join(infraFolder(), 'pom.xml')
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`]
  const { code, output } = await run(maven, args)
  const jars = code === 0 ? (await readdir(partial)).length : 0
  if (jars === 0) {
    const line = output.split('\n').find((text) => text.includes('ERROR')) ?? `exit code ${String(code)}`
    throw new KafkaUnavailableError(`Maven could not fetch the jars of Apache Kafka: ${line.trim()}`)
  }
  await rename(partial, libs)
}

/** Runs a program to its end and gathers what it prints. */
export function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer) => (output += chunk.toString('utf8'))
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
