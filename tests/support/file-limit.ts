import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Makes every write to a file fail in a running process, as on a full disk: its soft limit of the file size (RLIMIT_FSIZE,
 * `prlimit` of util-linux) is one byte until this is disposed. Node ignores the signal that comes with it. Linux only.
 */
export async function refuseFileGrowth(pid: number): Promise<AsyncDisposable> {
  await setSoftLimit(pid, '1')
  return { [Symbol.asyncDispose]: () => setSoftLimit(pid, 'unlimited') }
}

async function setSoftLimit(pid: number, bytes: string): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
}
