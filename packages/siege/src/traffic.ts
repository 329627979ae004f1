import type { AttemptRecord } from './journal.ts'

/** All attempts of a siege in figures. */
export interface Traffic {
  readonly attempts: number
  /** By status, `cut`, or failure; the most frequent first. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Of attempts that got an answer, milliseconds; absent without one. */
  readonly latencyMs?: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
}

const isAnswer = ({ outcome }: AttemptRecord): boolean => /^\d+$/.test(outcome)

export const latenciesOf = (records: readonly AttemptRecord[]): readonly number[] =>
  records.filter(isAnswer).map(({ durationMs }) => durationMs)

export function trafficOf(records: readonly AttemptRecord[]): Traffic {
  const outcomes = new Map<string, number>()
  for (const { outcome } of records) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  const sorted = latenciesOf(records).toSorted((a, b) => a - b)
  // The smallest value that so large a part is not above.
  const at = (part: number): number => round(sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0)
  return {
    attempts: records.length,
    outcomes: Object.fromEntries([...outcomes].sort(([, a], [, b]) => b - a)),
    ...(sorted.length > 0 && { latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) } }),
  }
}

const round = (ms: number): number => Math.round(ms * 100) / 100
