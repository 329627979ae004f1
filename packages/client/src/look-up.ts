import { commandStatusSchema, type CommandStatus } from '@holdfast/contracts'
import { attempt, type Met } from './attempt.ts'
import { pause, pauseMs, retryAfterMsOf } from './backoff.ts'
import { asError, errorOf, HoldfastProblem, type ProblemDocument } from './errors.ts'
import { problemIn, requestIdIn } from './judge.ts'
import type { ResolvedOptions } from './options.ts'

/** One look-up: where a command or key stands. */
export type Seen =
  | {
      readonly kind: 'found'
      readonly status: CommandStatus
      readonly retryAfterMs: number | undefined
      requestId: string
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'later'; readonly retryAfterMs: number | undefined; readonly cause: ProblemDocument | Error }

export interface LookUp {
  /** `/commands/{id}` or `/idempotency-keys/{key}` */
  readonly path: string
  readonly key: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Looks once. @throws HoldfastProblem when it is refused; the signal's reason */
export async function look(options: ResolvedOptions, { path, key, signal }: LookUp): Promise<Seen> {
  const met = await attempt(options, { method: 'GET', path, timeoutMs: options.retry.attemptTimeoutMs, signal })
  if (met.kind === 'no-answer') return { kind: 'later', retryAfterMs: undefined, cause: asError(met.cause) }
  const retryAfterMs = retryAfterMsOf(met.headers)
  if (met.status === 200) {
    const parsed = commandStatusSchema.safeParse(jsonOf(met))
    if (parsed.success) {
      return { kind: 'found', status: parsed.data, retryAfterMs, requestId: requestIdIn(met.headers) }
    }
    return { kind: 'later', retryAfterMs, cause: new Error('the look-up was answered, but not with a command') }
  }
  const problem = problemIn(met)
  if (problem.code === 'command-not-found' || problem.code === 'idempotency-key-not-found') return { kind: 'unknown' }
  if (problem.retryable || met.status < 400) return { kind: 'later', retryAfterMs, cause: problem }
  throw new HoldfastProblem(problem, { key, attempts: 1 })
}

/**
 * Looks until there is an answer: where the key stands, or undefined when nothing under it ever became durable.
 *
 * @throws HoldfastProblem when it is refused, or a problem is all that is answered within the bounds; the connection's
 *   error when nothing is; the signal's reason
 */
export async function lookUp(options: ResolvedOptions, wanted: LookUp): Promise<CommandStatus | undefined> {
  const { retry } = options
  const deadline = performance.now() + retry.totalTimeoutMs
  for (let retries = 0; ; retries++) {
    const seen = await look(options, wanted)
    if (seen.kind === 'found') return seen.status
    if (seen.kind === 'unknown') return undefined
    const delayMs = pauseMs(retry, { retries, retryAfterMs: seen.retryAfterMs })
    if (retries + 1 >= retry.maxAttempts || performance.now() + delayMs >= deadline) {
      throw errorOf(seen.cause, { key: wanted.key, attempts: retries + 1 })
    }
    await pause(delayMs, wanted.signal)
  }
}

function jsonOf({ text }: Extract<Met, { kind: 'answer' }>): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
