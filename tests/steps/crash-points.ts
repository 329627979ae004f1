import { existsSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@holdfast/testing/processes'
import { struckFile, type CrashPoint, type PointText } from './points.ts'

const preload = new URL('crash-point.ts', import.meta.url).href

/** A crash point that was armed. */
export interface PlannedCrash {
  readonly point: PointText
  /** A process was struck by it. */
  readonly struck: boolean
}

/** Arms crash points for the services that were started with its environment. */
export interface Crasher {
  readonly env: Readonly<Record<string, string>>
  /** Takes back the one that is armed still. Default SIGKILL. */
  arm(point: PointText, signal?: CrashPoint['signal']): Promise<void>
  disarm(): Promise<void>
  /** True until a process was struck by it. */
  readonly armed: boolean
  /** All that were ever armed, in that order. */
  readonly planned: readonly PlannedCrash[]
  /** Waits for the process that is struck, and returns its id. */
  struck(): Promise<number>
}

export function createCrasher(folder: string): Crasher {
  const file = join(folder, 'crash-point')
  const points: PointText[] = []
  return {
    env: { NODE_OPTIONS: `--import=${preload}`, STEPS_CRASH_FILE: file },
    // Whole at once: a process may look at any moment.
    async arm(point, signal = 'SIGKILL') {
      const number = points.push(point)
      await writeFile(`${file}.new`, `${point} ${signal} ${number}`)
      await rename(`${file}.new`, file)
    },
    disarm: () => rm(file, { force: true }),
    get armed() {
      return existsSync(file)
    },
    get planned() {
      return points.map((point, at) => ({ point, struck: existsSync(struckFile(file, at + 1)) }))
    },
    async struck() {
      const read = async (): Promise<string | undefined> =>
        (await readFile(`${file}.struck`, 'utf8').catch(() => '')) || undefined
      const text = await until(read, { what: 'a process comes to the point', timeoutMs: 60_000 })
      await rm(`${file}.struck`)
      return Number(text)
    },
  }
}
