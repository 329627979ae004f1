import { recoverAccepted, type Recovered, type RecoverOptions } from './recover.ts'
import { startRepeating, type Repeating, type RepeatingOptions } from './repeating.ts'

export interface CompleterOptions
  extends Omit<RecoverOptions, 'signal' | 'idleSinceMs' | 'lateAfterMs'>, RepeatingOptions {
  /**
   * A command that nothing was written for in this time is taken over, milliseconds. 0 where no other process works on
   * the store.
   */
  readonly leaseMs: number
  readonly onRecovered: (recovered: Recovered) => void
}

/** Its `stop`: looks no more; resolves when it has let go. */
export type Completer = Repeating

/**
 * Sees to it that no key stays in progress though nobody retries: at once and then again and again, what was accepted and
 * has no outcome, and no other worker, is finished.
 */
export function startCompleter(options: CompleterOptions): Completer {
  const { clock, leaseMs, onRecovered } = options
  return startRepeating(async (signal) => {
    const alone = leaseMs === 0
    const idleSinceMs = alone ? Number.POSITIVE_INFINITY : clock.nowMs() - leaseMs
    // Half of it: whose clock is ahead takes over early.
    const lateAfterMs = alone ? Number.POSITIVE_INFINITY : leaseMs / 2
    onRecovered(await recoverAccepted({ ...options, signal, idleSinceMs, lateAfterMs }))
  }, options)
}
