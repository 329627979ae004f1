import { startRepeating, type Repeating, type RepeatingOptions } from '../handler/repeating.ts'
import { removesHistory, sweepHistory, type SweepHistoryOptions, type SweptHistory } from './history-sweep.ts'

export interface HistorySweepOptions extends Omit<SweepHistoryOptions, 'signal'>, RepeatingOptions {
  readonly onSwept: (swept: SweptHistory) => void
}

/**
 * Sweeps at once and then again and again; not at all where every command keeps its history. Several processes may do so at
 * one time.
 */
export function startHistorySweep(options: HistorySweepOptions): Repeating {
  if (!removesHistory(options.app)) return { stop: () => Promise.resolve() }
  return startRepeating(async (signal) => options.onSwept(await sweepHistory({ ...options, signal })), options)
}
