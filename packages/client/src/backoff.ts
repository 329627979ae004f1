export interface BackoffPolicy {
  /** Longest pause before the second attempt, milliseconds; it doubles from attempt to attempt. */
  readonly initialDelayMs: number
  /** Bound of that doubling. */
  readonly maxDelayMs: number
}

/**
 * The pause before the next attempt: full jitter (anything from nothing to a doubling bound), on top of what the server
 * asked for, so that those whom it turned away together do not come back together.
 *
 * @param retries how many pauses there were before this one
 * @param retryAfterMs what `Retry-After` asked for
 */
export function pauseMs(
  { initialDelayMs, maxDelayMs }: BackoffPolicy,
  { retries, retryAfterMs = 0, random = Math.random }: PauseOptions,
): number {
  return retryAfterMs + random() * Math.min(maxDelayMs, initialDelayMs * 2 ** retries)
}

export interface PauseOptions {
  readonly retries: number
  readonly retryAfterMs?: number | undefined
  /** From 0 to below 1; default Math.random. */
  readonly random?: () => number
}

/**
 * Reads `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3), to milliseconds from now; undefined when there
 * is none that can be read. A date is compared with the answer's own `Date` where that can be read, so that the
 * caller's clock does not matter.
 */
export function retryAfterMsOf(headers: Headers, nowMs = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  // Dates of HTTP begin with the day's name; `Date.parse` would take other things for years.
  const until = /^[a-z]{3}/i.test(value) ? Date.parse(value) : NaN
  if (Number.isNaN(until)) return undefined
  const sent = Date.parse(headers.get('date') ?? '')
  return Math.max(0, until - (Number.isNaN(sent) ? nowMs : sent))
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted === true) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
