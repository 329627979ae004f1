export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number
  /** Longest pause before the second try, milliseconds; doubles each time, with full jitter. */
  readonly initialDelayMs: number
  /** Bound of the doubling, milliseconds. */
  readonly maxDelayMs: number
  /** Time for one try, milliseconds. */
  readonly timeoutMs: number
}
