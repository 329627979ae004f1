import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)
const script = join(import.meta.dirname, 'wrk.lua')
/** wrk counts an answer as an error after this; its own 2 s are less than what a busy database takes. */
const answerTimeoutSeconds = 30

/** A POST of `body` to `path`, each with a key `<prefix>-0-<number>`. */
export interface Load {
  readonly url: string
  /** `fresh`: a new key for each request, numbered from 1. `replay`: any of the first `keys` of these. */
  readonly mode: 'fresh' | 'replay'
  readonly path: string
  readonly body: string
  readonly prefix: string
  readonly keys?: number
  readonly connections: number
  readonly seconds: number
}

export const loadResult = z.object({
  requests: z.number(),
  requestsPerSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
})

export type LoadResult = z.infer<typeof loadResult>

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
  const { url, mode, path, body, prefix, connections, seconds, keys = 0 } = load
  const wrkArgs = [
    '-t',
    '1',
    '-c',
    connections,
    '-d',
    `${seconds}s`,
    '--timeout',
    `${answerTimeoutSeconds}s`,
    '-s',
    script,
    url,
  ]
  const { stdout } = await run('wrk', [...wrkArgs, '--', mode, path, body, prefix, keys].map(String), {
    maxBuffer: 1 << 20,
    timeout: (seconds + 2 * answerTimeoutSeconds) * 1000,
    killSignal: 'SIGKILL',
  })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  const result = figures.parse(JSON.parse(line))
  if (result.non2xx > 0 || result.socketErrors > 0) {
    throw new Error(`${result.non2xx} answers of ${url}${path} were not 2xx, ${result.socketErrors} sockets broke`)
  }
  return {
    requests: result.requests,
    requestsPerSecond: (result.requests * 1e6) / result.durationUs,
    p50Ms: result.p50Us / 1000,
    p99Ms: result.p99Us / 1000,
  }
}
