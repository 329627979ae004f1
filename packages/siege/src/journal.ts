import { setMaxListeners } from 'node:events'
import { outcomeLabel, type Attempt, type Outcome } from './attempt.ts'
import type { Plan, Progress } from './options.ts'
import { Stopped, type StopReason } from './siege-error.ts'

/** One attempt, without its bodies. */
export interface AttemptRecord {
  readonly scenario: string
  readonly startedMs: number
  readonly durationMs: number
  /** Status, `cut`, or the failure's code. */
  readonly outcome: string
}

/** Every attempt of a siege, its bounds, and what is going on. */
export interface Journal {
  readonly records: readonly AttemptRecord[]
  /** Aborted when the siege must end: what is in flight is given up. */
  readonly signal: AbortSignal
  stopReason(): StopReason | undefined
  /** Ends the siege. @throws Stopped always */
  stop(reason: StopReason): never
  now(): number
  /** @throws Stopped when there is no attempt left, or the siege has ended meanwhile */
  attempt(run: () => Promise<Outcome>): Promise<Attempt>
  /** @throws Stopped when the siege ends before that */
  pause(ms: number): Promise<void>
  begin(scenario: { readonly id: string; readonly title: string }): void
  end(verdict: string): void
  /** Distinct answers that the running scenario has seen, for the live view. */
  sawAnswer(fingerprint: string): void
  close(): void
}

export function createJournal(plan: Plan, scenarios: number): Journal {
  const startedAt = performance.now()
  const stop = new AbortController()
  // Hundreds of attempts listen at a time.
  setMaxListeners(0, stop.signal)
  let reason: StopReason | undefined
  let scenario: { readonly id: string; readonly title: string } | undefined
  let inFlight = 0
  const records: AttemptRecord[] = []
  const outcomes = new Map<string, number>()
  const finished: { title: string; verdict: string }[] = []
  let bodies = new Set<string>()

  const now = (): number => performance.now() - startedAt
  const halt = (why: StopReason): void => {
    reason ??= why
    stop.abort()
  }
  const timer = setTimeout(() => {
    halt('time')
  }, plan.maxTimeMs)
  const onAbort = (): void => {
    halt('interrupted')
  }
  if (plan.signal?.aborted === true) onAbort()
  plan.signal?.addEventListener('abort', onAbort, { once: true })

  function report(): void {
    plan.onProgress?.({
      scenario: scenario?.title,
      finished,
      scenarios,
      attempts: records.length + inFlight,
      maxRequests: plan.maxRequests,
      inFlight,
      elapsedMs: now(),
      maxTimeMs: plan.maxTimeMs,
      outcomes,
      distinctBodies: bodies.size,
    } satisfies Progress)
  }

  const throwIfStopped = (): void => {
    if (reason !== undefined) throw new Stopped(reason)
  }

  return {
    records,
    signal: stop.signal,
    stopReason: () => reason,
    stop(why) {
      halt(why)
      throw new Stopped(reason ?? why)
    },
    now,
    async attempt(run) {
      throwIfStopped()
      if (records.length + inFlight >= plan.maxRequests) {
        halt('requests')
        throw new Stopped('requests')
      }
      inFlight++
      const startedMs = now()
      const outcome = await run().catch((): Outcome => ({ kind: 'failed', code: 'stopped' }))
      const durationMs = now() - startedMs
      inFlight--
      throwIfStopped()
      const label = outcomeLabel(outcome)
      records.push({ scenario: scenario?.id ?? 'preflight', startedMs, durationMs, outcome: label })
      outcomes.set(label, (outcomes.get(label) ?? 0) + 1)
      report()
      return { outcome, startedMs, durationMs }
    },
    async pause(ms) {
      throwIfStopped()
      const { promise, resolve } = Promise.withResolvers<void>()
      const waking = setTimeout(resolve, ms)
      const wake = (): void => {
        resolve()
      }
      stop.signal.addEventListener('abort', wake, { once: true })
      await promise
      clearTimeout(waking)
      stop.signal.removeEventListener('abort', wake)
      throwIfStopped()
    },
    begin(next) {
      scenario = next
      bodies = new Set()
      report()
    },
    end(verdict) {
      if (scenario !== undefined) finished.push({ title: scenario.title, verdict })
      scenario = undefined
      report()
    },
    sawAnswer(fingerprint) {
      bodies.add(fingerprint)
    },
    close() {
      clearTimeout(timer)
      plan.signal?.removeEventListener('abort', onAbort)
      stop.abort()
    },
  }
}
