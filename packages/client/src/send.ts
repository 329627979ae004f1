import { headers } from '@holdfast/contracts'
import { attempt } from './attempt.ts'
import { pause, pauseMs } from './backoff.ts'
import {
  errorOf,
  HoldfastOutcomeUnknownError,
  HoldfastProblem,
  type ProblemDocument,
  type UnknownReason,
} from './errors.ts'
import { bodyOf, judge, settlesEarlierAttempts, type Recorded, type Verdict } from './judge.ts'
import { keyHeader } from './key.ts'
import { look } from './look-up.ts'
import type { ResolvedOptions, RetryOptions } from './options.ts'
import { outcomeOf, type Outcome } from './outcome.ts'
import type { Target } from './routes.ts'

export interface Call {
  readonly target: Target
  readonly key: string
  readonly retry: RetryOptions
  readonly signal?: AbortSignal | undefined
}

/**
 * Sends a command until its outcome is known: attempts, pauses and look-ups under one key, within the bounds.
 *
 * @throws HoldfastProblem when it is refused for good, or has failed for good
 * @throws HoldfastOutcomeUnknownError when the bounds are reached, or the caller aborts, after an attempt that may have run
 */
export async function sendUntilKnown(options: ResolvedOptions, call: Call): Promise<Outcome> {
  call.signal?.throwIfAborted()
  return new Sending(options, call).run()
}

/** One call: what its attempts have met so far. */
class Sending {
  readonly #options: ResolvedOptions
  readonly #call: Call
  readonly #deadline: number
  #attempts = 0
  /** Pauses so far, between attempts and between look-ups since the last one. */
  #retries = 0
  #mayHaveRun = false
  #commandId: string | undefined
  /** The gateway's ids of the attempts that were answered: tells whether a look-up shows one of them. */
  readonly #requestIds = new Set<string>()

  constructor(options: ResolvedOptions, call: Call) {
    this.#options = options
    this.#call = call
    this.#deadline = performance.now() + call.retry.totalTimeoutMs
  }

  async run(): Promise<Outcome> {
    try {
      for (;;) {
        const verdict = await this.#attempt()
        const outcome = await this.#settle(verdict)
        if (outcome !== undefined) return outcome
      }
    } catch (error) {
      const isEnd = error instanceof HoldfastProblem || error instanceof HoldfastOutcomeUnknownError
      throw isEnd || !this.#mayHaveRun ? error : this.#unknown('aborted', error)
    }
  }

  async #attempt(): Promise<Verdict> {
    const { target, key, retry, signal } = this.#call
    const before = this.#mayHaveRun
    const met = await attempt(this.#options, {
      method: target.method,
      path: target.path,
      body: target.body,
      headers: {
        [headers.idempotencyKey]: keyHeader(key),
        [headers.prefer]: retry.waitMs === 0 ? 'respond-async' : `wait=${Math.ceil(retry.waitMs / 1000)}`,
      },
      timeoutMs: Math.max(0, Math.min(retry.waitMs + retry.attemptTimeoutMs, this.#deadline - performance.now())),
      signal,
      onSend: () => {
        this.#attempts += 1
        // Until it is answered, it may have run: an abort in between has to say so.
        this.#mayHaveRun = true
      },
    })
    const verdict = judge(met)
    if (verdict.kind === 'retry' && !verdict.mayHaveRun) this.#mayHaveRun = before
    if (verdict.kind === 'refused') this.#mayHaveRun = before && !settlesEarlierAttempts(verdict.problem.code)
    return verdict
  }

  /** The outcome; undefined when the command has to be sent again, after the pause that is over by then. */
  async #settle(verdict: Verdict): Promise<Outcome | undefined> {
    const { key } = this.#call
    switch (verdict.kind) {
      case 'recorded':
        return outcomeOf(verdict.recorded, { key, attempts: this.#attempts })
      case 'follow':
        this.#commandId = verdict.commandId
        this.#requestIds.add(verdict.requestId)
        return this.#follow(verdict.commandId, verdict.retryAfterMs)
      case 'foreign':
        throw this.#unknown('not-holdfast', verdict.cause)
      case 'refused':
        throw this.#refusal(verdict.problem)
      case 'retry':
        if (this.#attempts >= this.#call.retry.maxAttempts) throw this.#gaveUp('attempts', verdict.cause)
        await this.#pause(verdict.retryAfterMs, verdict.cause)
        return undefined
    }
  }

  /**
   * Looks the command up until it has its outcome. Undefined when it is not known there: a gateway that has not heard of
   * it yet. Sending it again is safe then, and has that gateway wait for it.
   */
  async #follow(commandId: string, firstRetryAfterMs: number | undefined): Promise<Outcome | undefined> {
    const { key, signal } = this.#call
    let cause: ProblemDocument | Error = new Error('the command is still running')
    let retryAfterMs = firstRetryAfterMs
    this.#retries = 0
    for (;;) {
      await this.#pause(retryAfterMs, cause)
      const seen = await look(this.#options, { path: `/commands/${commandId}`, key, signal }).catch(
        (error: unknown) => {
          throw error instanceof HoldfastProblem ? this.#unknown('refused', error) : error
        },
      )
      if (seen.kind === 'unknown') {
        if (this.#attempts >= this.#call.retry.maxAttempts) throw this.#gaveUp('attempts', cause)
        return undefined
      }
      retryAfterMs = seen.retryAfterMs
      if (seen.kind === 'later') {
        cause = seen.cause
        continue
      }
      const { state, response, expires_at, request_id = '' } = seen.status
      if (state === 'released') throw this.#unknown('released', new Error('an operator has released the key'))
      if (response === undefined || expires_at === undefined) continue
      const declared = new Headers(response.headers)
      const recorded: Recorded = {
        status: response.status,
        headers: declared,
        text: response.body,
        body: bodyOf({ headers: declared, text: response.body }),
        commandId,
        expiresAt: new Date(expires_at),
        replayed: !this.#requestIds.has(request_id),
        requestId: seen.requestId,
      }
      return outcomeOf(recorded, { key, attempts: this.#attempts })
    }
  }

  async #pause(retryAfterMs: number | undefined, cause: ProblemDocument | Error): Promise<void> {
    const { key, retry, signal } = this.#call
    const delayMs = pauseMs(retry, { retries: this.#retries, retryAfterMs })
    if (performance.now() + delayMs >= this.#deadline) throw this.#gaveUp('time', cause)
    this.#retries += 1
    this.#options.onRetry({ attempt: this.#attempts, delayMs, key, cause })
    await pause(delayMs, signal)
  }

  #refusal(problem: ProblemDocument): Error {
    const refusal = new HoldfastProblem(problem, { key: this.#call.key, attempts: this.#attempts })
    return this.#mayHaveRun ? this.#unknown('refused', refusal) : refusal
  }

  /** Out of attempts or time. When nothing can have started, the last answer is the whole truth. */
  #gaveUp(reason: UnknownReason, cause: ProblemDocument | Error): Error {
    const last = errorOf(cause, { key: this.#call.key, attempts: this.#attempts })
    return this.#mayHaveRun ? this.#unknown(reason, last) : last
  }

  #unknown(reason: UnknownReason, cause: unknown): HoldfastOutcomeUnknownError {
    const { key } = this.#call
    return new HoldfastOutcomeUnknownError(reason, { key, attempts: this.#attempts, commandId: this.#commandId, cause })
  }
}
