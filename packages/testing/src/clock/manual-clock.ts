import type { Clock } from '@holdfast/core'

/** A clock that moves only when a test says so. Nothing here waits for real time. */
export interface ManualClock extends Clock {
  /** Lets everything that is ready run: promises that have settled, and what follows from them. */
  settle(): Promise<void>
  /**
   * Moves the clock by `ms`. What falls due on the way is called at its own moment, in the order of the moments (of one
   * moment: in the order of scheduling), and everything settles before the next is called.
   */
  advance(ms: number): Promise<void>
  /**
   * Goes from timer to timer until none is left, or the next lies more than `boundMs` ahead of where this began.
   * Returns the milliseconds that have passed. Default bound: one hour.
   */
  runUntilIdle(boundMs?: number): Promise<number>
  /** Timers that are set: a leak check, and a sign that something waits. */
  readonly pending: number
  /** The same timers seen from a machine whose clock is `offsetMs` ahead (or, negative, behind). */
  skewed(offsetMs: number): Clock
}

interface Timer {
  readonly dueMs: number
  readonly callback: () => void
}

const hourMs = 3_600_000

/** One turn of the event loop: microtasks, however many follow from one another, are done before it. */
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** @param startMs - milliseconds since the epoch */
export function createManualClock(startMs: number): ManualClock {
  let now = startMs
  // In order of scheduling: a Set keeps that, and the earliest is searched for, since there are never many.
  const timers = new Set<Timer>()

  const earliest = (untilMs: number): Timer | undefined => {
    let found: Timer | undefined
    for (const timer of timers) {
      if (timer.dueMs <= untilMs && (found === undefined || timer.dueMs < found.dueMs)) found = timer
    }
    return found
  }
  const runNext = async (untilMs: number): Promise<boolean> => {
    const timer = earliest(untilMs)
    if (timer === undefined) return false
    timers.delete(timer)
    now = Math.max(now, timer.dueMs)
    timer.callback()
    await settle()
    return true
  }
  const schedule = (ms: number, callback: () => void): (() => void) => {
    const timer = { dueMs: now + Math.max(0, ms), callback }
    timers.add(timer)
    return () => {
      timers.delete(timer)
    }
  }
  const clock: Clock = {
    nowMs: () => now,
    schedule,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve()
          return
        }
        const done = (): void => {
          cancel()
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const cancel = schedule(ms, done)
        signal?.addEventListener('abort', done, { once: true })
      }),
  }
  return {
    ...clock,
    settle,
    async advance(ms) {
      const untilMs = now + ms
      await settle()
      while (await runNext(untilMs));
      now = untilMs
    },
    async runUntilIdle(boundMs = hourMs) {
      const startedMs = now
      await settle()
      while (await runNext(startedMs + boundMs));
      return now - startedMs
    },
    get pending() {
      return timers.size
    },
    skewed: (offsetMs) => ({ ...clock, nowMs: () => now + offsetMs }),
  }
}
