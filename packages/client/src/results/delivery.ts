import type { ResultEvent, ResultOutcome } from '@holdfast/contracts'
import { SeenIds } from './seen-ids.ts'

/** What every consumer of results says, whichever way they come. */
export interface ConsumeOptions<Command extends string = string> {
  /**
   * Handles one result; the next one comes when it has resolved. What it throws ends the consumption, and the result comes
   * again to the next one. Results are delivered at least once: across restarts, deduplicate by `result.id`.
   */
  readonly onResult: (result: ResultEvent) => void | Promise<void>
  /**
   * Told the place behind what has been handled, never one ahead of it: whoever stores it, together with the effect of
   * `onResult` where that matters, goes on from there.
   */
  readonly onCheckpoint?: (checkpoint: string) => void | Promise<void>
  /** Ends the consumption; the result that is being handled is finished. */
  readonly signal?: AbortSignal
  /** Only results of these commands. Default: all. */
  readonly commands?: readonly Command[]
  /** Only these outcomes. Default: all. */
  readonly outcomes?: readonly ResultOutcome[]
  /** How many ids are remembered, so that a result that comes again is not handled again. Default 10,000. */
  readonly rememberIds?: number
}

const defaultRememberIds = 10_000

/** Ends a consumption, where other errors start its connection over. The reason is its `cause`: that is what is thrown. */
export class ConsumptionFailure extends Error {
  override readonly name = 'ConsumptionFailure'
}

/** Calls what belongs to the caller, or checks what must fit. @throws ConsumptionFailure */
export async function orFail<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    throw new ConsumptionFailure('the consumption cannot go on', { cause })
  }
}

/** Hands results on, each id once, one after the other. */
export interface Delivery {
  /** True when the result was handled, false when it was already. @throws ConsumptionFailure */
  handle(result: ResultEvent): Promise<boolean>
  /** @throws ConsumptionFailure */
  checkpoint(place: string): Promise<void>
}

/** @throws TypeError for an option that cannot be meant */
export function createDelivery(options: ConsumeOptions): Delivery {
  const { onResult, onCheckpoint, rememberIds = defaultRememberIds } = options
  if (!Number.isInteger(rememberIds) || rememberIds < 1) throw new TypeError('rememberIds is at least 1')
  const seen = new SeenIds(rememberIds)
  return {
    async handle(result) {
      if (seen.has(result.id)) return false
      await orFail(() => onResult(result))
      seen.add(result.id)
      return true
    },
    checkpoint: (place) => orFail(() => onCheckpoint?.(place)),
  }
}
