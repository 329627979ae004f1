import pc from 'picocolors'
import type { SiegeResult } from '../run-siege.ts'
import { stopText } from '../siege-error.ts'

const paints: Readonly<Record<string, (text: string) => string>> = {
  pass: pc.green,
  fail: (text) => pc.bold(pc.red(text)),
  deviates: pc.yellow,
  inconclusive: pc.yellow,
  skipped: pc.dim,
}

export const painted = (word: string): string => (paints[word] ?? String)(word)

/** `3 × 201, 1 × 409`. */
export const outcomesText = (outcomes: Readonly<Record<string, number>>): string =>
  Object.entries(outcomes)
    // Names that look like numbers come first and sorted in an object: by frequency, as it is meant.
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, times]) => `${times} × ${outcome}`)
    .join(', ')

/** How the siege as a whole ended, in one sentence. */
export function conclusion({ verdict, counts, stopped }: SiegeResult): string {
  const parts = (['pass', 'fail', 'deviates', 'inconclusive', 'skipped'] as const)
    .filter((one) => counts[one] > 0)
    .map((one) => `${counts[one]} ${one}`)
  return `${verdict}: ${parts.join(', ')}${stopped === undefined ? '' : `; stopped, since ${stopText[stopped]}`}`
}

/** Text for a terminal: what a target answers may hold control sequences. */
export const printable = (text: string): string =>
  // Everything below space, DEL, and the second set of controls.
  text.replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, '\ufffd')
