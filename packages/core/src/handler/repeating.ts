import type { Clock } from '../ports/clock.ts'

export interface RepeatingOptions {
  readonly clock: Clock
  /** Pause between two runs, milliseconds. */
  readonly everyMs: number
  readonly onFault: (error: unknown) => void
}

/** Work that is done at once and then again and again. */
export interface Repeating {
  /** Begins no more; resolves when the run under way has let go. */
  stop(): Promise<void>
}

/** One run after the other; a run that fails is reported, and the next one comes all the same. */
export function startRepeating(
  run: (signal: AbortSignal) => Promise<void>,
  { clock, everyMs, onFault }: RepeatingOptions,
): Repeating {
  const stopping = new AbortController()
  const { signal } = stopping
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await run(signal)
      } catch (error) {
        if (!signal.aborted) onFault(error)
      }
      await clock.sleep(everyMs, signal)
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
