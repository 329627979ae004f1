import { runToExit, type RunResult } from '@holdfast/testing/processes'
import { entries } from '../support/paths.ts'

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Runs `holdfast` as a process of its own. */
export const holdfast = (args: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  runToExit({ entry: entries.cli, args, timeoutMs: 120_000, ...options })

/** The JSON document that it prints. */
export function jsonOf<T>({ stdout }: RunResult): T {
  return JSON.parse(stdout) as T
}
