import { execFile } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { promisify } from 'node:util'
import { root } from './repository.ts'

const run = promisify(execFile)

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  /** Beside `PATH`, in which this Node stands first, and `HOME`. */
  readonly env?: Readonly<Record<string, string>>
}

/** What a command wrote to standard output. @throws Error with all of its output when it fails, or takes a minute */
export async function outputOf({ file, args, env }: Command): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const options = {
    cwd: root,
    env: { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, ...env },
    timeout: 60_000,
    maxBuffer: 16 * 1024 * 1024,
  }
  try {
    return (await run(file, args, options)).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${file} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}
