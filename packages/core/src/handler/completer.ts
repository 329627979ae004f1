import type { Clock } from '../ports/clock.ts'
import { recoverAccepted, type Recovered, type RecoverOptions } from './recover.ts'

export interface CompleterOptions extends Omit<RecoverOptions, 'signal' | 'idleSinceMs'> {
  readonly clock: Clock
  /**
   * A command that nothing was written for in this time is taken over, milliseconds. 0 where no other process works on
   * the store.
   */
  readonly leaseMs: number
  /** Pause between two looks, milliseconds. */
  readonly everyMs: number
  readonly onRecovered: (recovered: Recovered) => void
  readonly onFault: (error: unknown) => void
}

export interface Completer {
  /** Looks no more; resolves when it has let go. */
  stop(): Promise<void>
}

/**
 * Sees to it that no key stays in progress though nobody retries: at once and then again and again, what was accepted and
 * has no outcome, and no other worker, is finished.
 */
export function startCompleter(options: CompleterOptions): Completer {
  const { clock, leaseMs, everyMs, onRecovered, onFault } = options
  const stopping = new AbortController()
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const idleSinceMs = leaseMs === 0 ? Number.POSITIVE_INFINITY : clock.nowMs() - leaseMs
        onRecovered(await recoverAccepted({ ...options, signal: stopping.signal, idleSinceMs }))
      } catch (error) {
        if (!stopping.signal.aborted) onFault(error)
      }
      await clock.sleep(everyMs, stopping.signal)
    }
  }
  const ended = work()
  return {
    async stop() {
      stopping.abort()
      await ended
    },
  }
}
