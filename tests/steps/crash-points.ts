import { existsSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@holdfast/testing/processes'
import type { CrashPoint, PointText } from './points.ts'

const preload = new URL('crash-point.ts', import.meta.url).href

/** Arms crash points for the services that were started with its environment. */
export interface Crasher {
  readonly env: Readonly<Record<string, string>>
  /** Default SIGKILL. */
  arm(point: PointText, signal?: CrashPoint['signal']): Promise<void>
  disarm(): Promise<void>
  /** True until a process was struck by it. */
  readonly armed: boolean
  /** Waits for the process that is struck, and returns its id. */
  struck(): Promise<number>
}

export function createCrasher(folder: string): Crasher {
  const file = join(folder, 'crash-point')
  return {
    env: { NODE_OPTIONS: `--import=${preload}`, STEPS_CRASH_FILE: file },
    // Whole at once: a process may look at any moment.
    async arm(point, signal = 'SIGKILL') {
      await writeFile(`${file}.new`, `${point} ${signal}`)
      await rename(`${file}.new`, file)
    },
    disarm: () => rm(file, { force: true }),
    get armed() {
      return existsSync(file)
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
