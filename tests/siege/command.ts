import { fileURLToPath } from 'node:url'
import type { SiegeResult } from '@holdfast/siege'
import { runToExit, type RunResult } from '@holdfast/testing/processes'

/** Entry point of the siege's own command. */
export const siegeEntry = fileURLToPath(new URL('../../packages/siege/src/main.ts', import.meta.url))

/** The command in a process of its own, to its end. */
export const siege = (...args: readonly string[]): Promise<RunResult> =>
  runToExit({ entry: siegeEntry, args, timeoutMs: 150_000 })

/** What `--json` printed. */
export const resultOf = ({ stdout }: RunResult): Omit<SiegeResult, 'attempts'> =>
  JSON.parse(stdout) as Omit<SiegeResult, 'attempts'>
