import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { putLoad, type Load, type LoadResult } from '../load/wrk.ts'
import { median } from '../median.ts'
import { startServer, type Server } from '../servers/start.ts'

const order = { method: 'POST', path: '/api/order', body: '{"product_id":"abc","quantity":2}' } as const
/** Keys that are replayed: more than any cache of the processor holds, few enough to be written in a round. */
const replayedKeys = 10_000

export interface EmbeddedOptions {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

/** One round: the floor and the two loads on Holdfast, one after the other. */
interface Round {
  readonly bare: LoadResult
  readonly fresh: LoadResult
  readonly replay: LoadResult
}

export interface EmbeddedReport {
  readonly rounds: readonly Round[]
  /** Medians over the rounds of the ratio within each round. */
  readonly freshRatio: number
  readonly replayRatio: number
  readonly peakMemoryMb: number
}

/** The embedded runtime beside a bare Fastify route that validates the same schema and echoes, interleaved. */
export async function benchEmbedded(options: EmbeddedOptions): Promise<EmbeddedReport> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const bare = await startServer('bench/src/servers/bare-fastify.ts', (port) => ({ PORT: String(port) }))
  const holdfast = await startServer('services/standalone/src/main.ts', (port) => ({
    HOLDFAST_PORT: String(port),
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_APP: join(import.meta.dirname, '../servers/pure-app.ts'),
  }))
  try {
    await round(0, { bare, holdfast, options: { ...options, seconds: 2 } })
    const rounds: Round[] = []
    for (let number = 1; number <= options.rounds; number++)
      rounds.push(await round(number, { bare, holdfast, options }))
    return {
      rounds,
      freshRatio: median(rounds.map((each) => each.fresh.requestsPerSecond / each.bare.requestsPerSecond)),
      replayRatio: median(rounds.map((each) => each.replay.requestsPerSecond / each.bare.requestsPerSecond)),
      peakMemoryMb: holdfast.memory().peakMb,
    }
  } finally {
    await holdfast.stop()
    await bare.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function round(
  number: number,
  { bare, holdfast, options }: { readonly bare: Server; readonly holdfast: Server; readonly options: EmbeddedOptions },
): Promise<Round> {
  const { connections, seconds } = options
  const load = (server: Server, mode: Load['mode'], keys?: number): Promise<LoadResult> =>
    putLoad({
      ...order,
      url: server.url,
      mode,
      prefix: `r${number}`,
      connections,
      seconds,
      ...(keys !== undefined && { keys }),
    })
  const floor = await load(bare, 'plain')
  const fresh = await load(holdfast, 'fresh')
  const replay = await load(holdfast, 'replay', Math.min(replayedKeys, fresh.requests - connections))
  return { bare: floor, fresh, replay }
}
