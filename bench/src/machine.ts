import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

/** Where and when something was measured. */
export const provenance = z.object({
  /** ISO 8601. */
  measuredAt: z.string(),
  /** Of the working tree, with `+` behind it when that had changes. */
  commit: z.string(),
  machine: z.string(),
  node: z.string(),
  wrk: z.string(),
  rounds: z.number(),
  seconds: z.number(),
  tookSeconds: z.number(),
})

export type Provenance = z.infer<typeof provenance>

export function machineText(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`
}

/** Without a repository, `unknown`. */
export function commitOf(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    const changed = git(
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      '.',
      ':!bench/results',
      ':!bench/charts',
      ':!bench/REPORT.md',
    )
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}
