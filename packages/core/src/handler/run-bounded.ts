import type { RetryPolicy } from '../command/retry-policy.ts'
import type { StepRun } from '../command/step.ts'
import { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'
import { jittered } from './backoff.ts'
import { withTimeLimit } from './with-time-limit.ts'

export interface BoundedRun {
  /** The step key; asked for only by runs that look at it. */
  readonly keyOf: () => string
  readonly retry: RetryPolicy
  readonly clock: Clock
  /** One of them fires when the process lets go of the command, or nobody waits for the result any more. */
  readonly aborts: readonly LazyAbort[]
}

/** Runs a step's function, or its undo, with the time and the retries that its policy allows. @throws its last error */
export async function runBounded<T>(work: (run: StepRun) => Promise<T> | T, bounds: BoundedRun): Promise<T> {
  const { retry, clock, aborts } = bounds
  const { timeoutMs } = retry
  const limit = { clock, timeoutMs, error: () => new Error(`it took longer than ${timeoutMs} ms`) }
  const aborted = (): boolean => aborts.some((abort) => abort.aborted)
  for (let attempt = 1; ; attempt++) {
    const run = new Run(attempt, bounds)
    try {
      const result = work(run)
      // What is there at once needs no time limit.
      return isPromise(result) ? await withTimeLimit(result, { ...limit, timeout: run.timeout }) : result
    } catch (error) {
      if (attempt >= retry.attempts || aborted()) throw error
      const pauseMs = jittered(Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (attempt - 1)))
      await clock.sleep(pauseMs, anyOf(aborts))
      if (aborted()) throw error
    }
  }
}

/**
 * Keys and signals are made only for those who look at them. Not an object literal with getters: V8 makes a hidden class for each
 * one, which keeps all that the getter reaches until the next full collection.
 */
class Run implements StepRun {
  readonly attempt: number
  readonly timeout = new LazyAbort()
  readonly #bounds: BoundedRun

  constructor(attempt: number, bounds: BoundedRun) {
    this.attempt = attempt
    this.#bounds = bounds
  }

  get key(): string {
    return this.#bounds.keyOf()
  }

  get signal(): AbortSignal {
    return anyOf([this.timeout, ...this.#bounds.aborts])
  }
}

const anyOf = (aborts: readonly LazyAbort[]): AbortSignal => AbortSignal.any(aborts.map(({ signal }) => signal))

/** Also one that is not JavaScript's own. */
const isPromise = <T>(result: Promise<T> | T): result is Promise<T> =>
  typeof (result as Partial<Promise<T>> | null | undefined)?.then === 'function'
