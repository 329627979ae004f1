import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)
const manifest = z.object({ dependencies: z.record(z.string(), z.string()) })

/** The exact version of a direct dependency of the benchmark, or of its peers. */
export function packageVersion(name: string, of: 'bench' | 'peers'): string {
  const file = join(import.meta.dirname, of === 'bench' ? '../package.json' : '../peers/package.json')
  return manifest.parse(JSON.parse(readFileSync(file, 'utf8'))).dependencies[name] ?? 'unknown'
}

/** Of what `node:sqlite` brings. */
export const sqliteVersion = (): string => `SQLite ${process.versions['sqlite'] ?? 'unknown'} of Node`

/** The first number like `7.0.15` that the program prints for `--version`; undefined when it is not there. */
export async function programVersion(program: string): Promise<string | undefined> {
  return run(program, ['--version']).then(
    ({ stdout }) => /\d+(?:\.\d+)+/.exec(stdout)?.[0],
    () => undefined,
  )
}
