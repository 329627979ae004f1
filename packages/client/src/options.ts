import type { BackoffPolicy } from './backoff.ts'
import type { ProblemDocument } from './errors.ts'

export interface RetryOptions extends BackoffPolicy {
  /** How often a command is sent at most, the first time included. Default 10. */
  readonly maxAttempts: number
  /** How long a call may take with all its attempts, pauses and look-ups. Default 120,000. */
  readonly totalTimeoutMs: number
  /** How long an attempt may take beyond the wait that it asks for. Default 10,000. */
  readonly attemptTimeoutMs: number
  /**
   * How long the gateway may wait for the outcome before it answers 202 (`Prefer: wait`), in whole seconds, at most 60,000;
   * 0 has it answer as soon as the command is durable. Default 10,000.
   */
  readonly waitMs: number
}

/** One try that did not settle the call, for logs and metrics. */
export interface RetryNotice {
  /** 1 for the first attempt. */
  readonly attempt: number
  /** How long the pause is, milliseconds. */
  readonly delayMs: number
  readonly key: string
  /** What happened: an error of the connection, or the problem that was answered. */
  readonly cause: ProblemDocument | Error
}

export interface ClientOptions {
  /** Where the gateway is: `https://orders.example`, with a path where a proxy puts it below one. */
  readonly baseUrl: string
  /** Sent as `Authorization: Bearer <key>`; a function is asked before each attempt. */
  readonly apiKey?: string | (() => string | Promise<string>)
  /** Sent with every request, `traceparent` for example. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default: the global one. */
  readonly fetch?: typeof fetch
  readonly retry?: Partial<RetryOptions>
  /** Called before each pause between two attempts. */
  readonly onRetry?: (notice: RetryNotice) => void
}

/** The options with their defaults. */
export interface ResolvedOptions {
  readonly baseUrl: string
  readonly fetch: typeof fetch
  readonly retry: RetryOptions
  readonly onRetry: (notice: RetryNotice) => void
  /** The headers of every request. */
  commonHeaders(): Promise<Headers>
}

const defaultRetry: RetryOptions = {
  maxAttempts: 10,
  totalTimeoutMs: 120_000,
  attemptTimeoutMs: 10_000,
  waitMs: 10_000,
  initialDelayMs: 200,
  maxDelayMs: 10_000,
}

/** A longer timer fires at once. */
const maxTimerMs = 2 ** 31 - 1

/** @throws TypeError for an option that cannot be meant */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  const url = new URL(options.baseUrl)
  if (!/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new TypeError(`baseUrl is an http or https URL without query: ${options.baseUrl}`)
  }
  const retry = { ...defaultRetry, ...options.retry }
  checkRetry(retry)
  const given = options.fetch
  return {
    baseUrl: url.href.replace(/\/+$/, ''),
    // A browser's fetch must be called as a function of the window, not of an object.
    fetch: given ?? ((input, init) => fetch(input, init)),
    retry,
    onRetry: options.onRetry ?? (() => undefined),
    async commonHeaders() {
      const headers = new Headers(options.headers)
      const { apiKey } = options
      const key = typeof apiKey === 'function' ? await apiKey() : apiKey
      if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
      return headers
    },
  }
}

export function checkRetry(retry: RetryOptions): void {
  if (!Number.isInteger(retry.maxAttempts) || retry.maxAttempts < 1) throw new TypeError('maxAttempts is at least 1')
  for (const name of ['totalTimeoutMs', 'attemptTimeoutMs', 'initialDelayMs', 'maxDelayMs'] as const) {
    if (!(retry[name] >= 0 && retry[name] <= maxTimerMs)) throw new TypeError(`${name} is from 0 to ${maxTimerMs}`)
  }
  if (!(retry.waitMs >= 0 && retry.waitMs <= 60_000)) throw new TypeError('waitMs is from 0 to 60000')
}
