import type { ResultEvent } from '@holdfast/contracts'
import type { Checkpoints, Clock } from '../ports/clock.ts'
import type { ResultFeed, ResultFilter } from '../ports/result-feed.ts'

export interface CarryResultsOptions {
  /** Backed by the event store: its places are positions. */
  readonly feed: ResultFeed
  /** Default: all results. */
  readonly filter?: ResultFilter
  /** Resolves when they are published: what this resolves for is not published again, but for a crash. */
  readonly publish: (results: readonly ResultEvent[]) => Promise<void>
  readonly checkpoints: Checkpoints
  /** Name of the checkpoint. */
  readonly name: string
  readonly clock: Clock
  /** Ends it. */
  readonly signal: AbortSignal
  readonly onFault: (error: unknown) => void
}

/** A crash publishes at most the results of so long again, milliseconds. */
const saveEveryMs = 1_000
const pauseMs = 1_000

/**
 * Carries results from the event store to where they are published, in order and at least once: the checkpoint moves only
 * behind what is published. Resolves when the signal fires.
 */
export async function carryResults(options: CarryResultsOptions): Promise<void> {
  const { clock, signal, onFault } = options
  while (!signal.aborted) {
    try {
      await carry(options)
    } catch (error) {
      if (signal.aborted) return
      onFault(error)
      await clock.sleep(pauseMs, signal)
    }
  }
}

async function carry({ feed, filter, publish, checkpoints, name, clock, signal }: CarryResultsOptions): Promise<void> {
  const after = await checkpoints.load(name)
  let saved = after === undefined ? undefined : String(after)
  let published = saved
  let savedAtMs = 0
  const save = async (): Promise<void> => {
    if (published === undefined || published === saved) return
    await checkpoints.save(name, BigInt(published))
    saved = published
    savedAtMs = clock.nowMs()
  }
  for await (const { results, place } of feed.subscribe({
    ...filter,
    signal,
    ...(saved !== undefined && { after: saved }),
  })) {
    if (results.length > 0) await publish(results.map(({ event }) => event))
    published = place
    if (clock.nowMs() - savedAtMs >= saveEveryMs) await save()
  }
  await save()
}
