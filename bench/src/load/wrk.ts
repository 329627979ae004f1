import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)
const script = join(import.meta.dirname, 'wrk.lua')

/** `fresh`: a new key for each request. `replay`: keys that were used before. `plain`: no key. */
export interface Load {
  readonly url: string
  readonly mode: 'fresh' | 'replay' | 'plain'
  readonly method: string
  readonly path: string
  readonly body: string
  readonly prefix: string
  /** For `replay`: how many keys, numbered as `fresh` numbers them. */
  readonly keys?: number
  readonly connections: number
  readonly seconds: number
}

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const figures = z.object({
  requests: z.number(),
  durationUs: z.number(),
  p50Us: z.number(),
  p99Us: z.number(),
  non2xx: z.number(),
  socketErrors: z.number(),
})

/** The version of wrk. @throws Error with what to install, when it is not there */
export async function wrkVersion(): Promise<string> {
  // wrk prints its version and exits with 1.
  const text = await run('wrk', ['-v']).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error instanceof Error && 'stdout' in error ? String(error.stdout) : ''),
  )
  const version = /wrk (\S+)/.exec(text)?.[1]
  if (version === undefined) throw new Error('the benchmark needs wrk on the PATH (Debian: apt-get install wrk)')
  return version
}

/** Puts one load on a server and measures. @throws Error if an answer was not 2xx, or a socket broke: such figures mean nothing */
export async function putLoad(load: Load): Promise<LoadResult> {
  const { url, mode, method, path, body, prefix } = load
  const { stdout } = await run(
    'wrk',
    [
      '-t',
      '1',
      '-c',
      String(load.connections),
      '-d',
      `${load.seconds}s`,
      '-s',
      script,
      url,
      '--',
      mode,
      method,
      path,
      body,
      prefix,
      String(load.keys ?? 0),
    ],
    { maxBuffer: 1 << 20 },
  )
  const line = stdout.trim().split('\n').at(-1) ?? ''
  const result = figures.parse(JSON.parse(line))
  if (result.non2xx > 0 || result.socketErrors > 0) {
    throw new Error(`${result.non2xx} answers of ${url} were not 2xx, ${result.socketErrors} sockets broke`)
  }
  return {
    requests: result.requests,
    requestsPerSecond: (result.requests * 1e6) / result.durationUs,
    p50Ms: result.p50Us / 1000,
    p99Ms: result.p99Us / 1000,
  }
}
