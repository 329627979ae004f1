import { z } from 'zod'
import { loadResult, putLoad, type Load, type LoadResult } from './load/wrk.ts'
import { median } from './median.ts'
import { cpuSecondsOf } from './process-tree.ts'

/** A load together with what it cost the servers. */
export const measured = loadResult.extend({
  /** Processor time of the server's processes for each request, microseconds. Less noisy than the rate. */
  cpuMicros: z.number(),
})

export type Measured = z.infer<typeof measured>

/** Servers finish what the end of a load cut off before the next one is measured: at most so long. */
const settleMs = 2_000
const lookMs = 100
/** Less than this share of a processor is idling. */
const idleShare = 0.15

async function settle(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + settleMs
  for (let before = cpuSecondsOf(pids); performance.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, lookMs))
    const after = cpuSecondsOf(pids)
    if (after - before <= (idleShare * lookMs) / 1000) return
    before = after
  }
}

/** Puts a load on the server that these processes are. @throws Error if an answer was not 2xx, or a socket broke */
export async function measure(pids: readonly number[], load: Load): Promise<Measured> {
  const before = cpuSecondsOf(pids)
  const result = await putLoad(load)
  const cpuSeconds = cpuSecondsOf(pids) - before
  await settle(pids)
  return { ...result, cpuMicros: (cpuSeconds * 1e6) / Math.max(1, result.requests) }
}

/** The rate beside the other's, for each round that both have. */
export function rateRatios(one: readonly LoadResult[], other: readonly LoadResult[]): readonly number[] {
  return one.flatMap((each, round) => {
    const base = other[round]
    return base === undefined ? [] : [each.requestsPerSecond / base.requestsPerSecond]
  })
}

/** The median of each figure on its own. */
export function middle<Result extends LoadResult>(
  rounds: readonly Result[],
): LoadResult & { readonly cpuMicros: number } {
  const of = (figure: (each: Result) => number): number => median(rounds.map(figure))
  return {
    requests: of((each) => each.requests),
    requestsPerSecond: of((each) => each.requestsPerSecond),
    p50Ms: of((each) => each.p50Ms),
    p99Ms: of((each) => each.p99Ms),
    cpuMicros: of((each) => ('cpuMicros' in each ? Number(each.cpuMicros) : Number.NaN)),
  }
}
