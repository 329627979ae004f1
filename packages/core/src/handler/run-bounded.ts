import type { RetryPolicy } from '../command/retry-policy.ts'
import type { StepRun } from '../command/step.ts'
import type { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'
import { jittered } from './backoff.ts'

export interface BoundedRun {
  readonly key: string
  readonly retry: RetryPolicy
  readonly clock: Clock
  /** Fires when the process lets go of the command. */
  readonly abort: LazyAbort
}

/** Runs a step's function, or its undo, with the time and the retries that its policy allows. @throws its last error */
export async function runBounded<T>(work: (run: StepRun) => Promise<T> | T, bounds: BoundedRun): Promise<T> {
  const { key, retry, clock, abort } = bounds
  for (let attempt = 1; ; attempt++) {
    const timeout = new AbortController()
    try {
      return await withTimeout(
        () => work({ key, attempt, signal: AbortSignal.any([timeout.signal, abort.signal]) }),
        bounds,
        timeout,
      )
    } catch (error) {
      if (attempt >= retry.attempts || abort.aborted) throw error
      await clock.sleep(jittered(Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (attempt - 1))), abort.signal)
    }
  }
}

function withTimeout<T>(
  work: () => Promise<T> | T,
  { retry, clock }: BoundedRun,
  timeout: AbortController,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.schedule(retry.timeoutMs, () => {
      const error = new Error(`it took longer than ${retry.timeoutMs} ms`)
      timeout.abort(error)
      reject(error)
    })
    // A function that throws at once rejects like one that throws later.
    Promise.resolve().then(work).then(resolve, reject).finally(cancel)
  })
}
