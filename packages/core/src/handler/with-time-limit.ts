import type { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'

export interface TimeLimit {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Fires, with the same error, when the time is up. */
  readonly timeout: LazyAbort
  /** Made when the time is up. */
  readonly error: () => Error
}

/** What `work` comes to, if that is in time. @throws whatever it throws; the limit's error */
export function withTimeLimit<T>(work: Promise<T>, { clock, timeoutMs, timeout, error }: TimeLimit): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.schedule(timeoutMs, () => {
      const late = error()
      timeout.abort(late)
      reject(late)
    })
    work.then(
      (value) => {
        cancel()
        resolve(value)
      },
      () => {
        cancel()
        // With whatever was thrown.
        resolve(work)
      },
    )
  })
}
