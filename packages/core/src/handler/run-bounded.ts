import type { RetryPolicy } from '../command/retry-policy.ts'
import type { StepRun } from '../command/step.ts'
import { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'
import { jittered } from './backoff.ts'

export interface BoundedRun {
  readonly key: string
  readonly retry: RetryPolicy
  readonly clock: Clock
  /** One of them fires when the process lets go of the command, or nobody waits for the result any more. */
  readonly aborts: readonly LazyAbort[]
}

/** Runs a step's function, or its undo, with the time and the retries that its policy allows. @throws its last error */
export async function runBounded<T>(work: (run: StepRun) => Promise<T> | T, bounds: BoundedRun): Promise<T> {
  const { key, retry, clock, aborts } = bounds
  const aborted = (): boolean => aborts.some((abort) => abort.aborted)
  for (let attempt = 1; ; attempt++) {
    const timeout = new LazyAbort()
    // Signals are made only for those who look at them.
    const run: StepRun = {
      key,
      attempt,
      get signal() {
        return anyOf([timeout, ...aborts])
      },
    }
    try {
      return await withTimeout(() => work(run), bounds, timeout)
    } catch (error) {
      if (attempt >= retry.attempts || aborted()) throw error
      const pauseMs = jittered(Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (attempt - 1)))
      await clock.sleep(pauseMs, anyOf(aborts))
      if (aborted()) throw error
    }
  }
}

const anyOf = (aborts: readonly LazyAbort[]): AbortSignal => AbortSignal.any(aborts.map(({ signal }) => signal))

function withTimeout<T>(work: () => Promise<T> | T, { retry, clock }: BoundedRun, timeout: LazyAbort): Promise<T> {
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
