import { outcomeLabel, type Answer, type Attempt } from '../attempt.ts'
import { lastAnswer, type Field } from '../field.ts'
import type { Intent } from '../intent.ts'
import { fingerprintOf, isFinalSuccess, isPending, judgeAttempts } from '../judge.ts'
import { sampleAll, type Report } from '../report.ts'

/**
 * Brings the key to its final answer, asks once more, and holds all attempts against it: one effect, one answer.
 * Returns the answer; undefined when there is no success to hold anything against.
 */
export async function concludeKey(
  { field, report }: { readonly field: Field; readonly report: Report },
  intent: Intent,
  attempts: readonly Attempt[],
): Promise<Answer | undefined> {
  const settled = await field.settle(intent)
  const final = successIn({ field, report }, settled)
  const again = final === undefined ? [] : [await field.send(intent)]
  const all = [...attempts, ...settled, ...again]
  report.attempts(all)
  if (final === undefined) return undefined
  const wrong = judgeAttempts(all, final, field.reading)
  for (const text of wrong) report.finding(text)
  if (wrong.length > 0) sampleAll(report, all)
  return final
}

/** The final success that settling came to, which counts as one effect; a finding when there is none. */
export function successIn(
  { field, report }: { readonly field: Field; readonly report: Report },
  settled: readonly Attempt[],
): Answer | undefined {
  const final = lastAnswer(settled)
  if (final !== undefined && isFinalSuccess(final, field.reading)) {
    report.effects(1)
    return final
  }
  report.effects(0, 1)
  const last = settled.at(-1)
  const label = last === undefined ? 'nothing' : outcomeLabel(last.outcome)
  const still = final !== undefined && isPending(final, field.reading) ? `still ${label}` : label
  report.finding(`the key came to no success: ${still} after ${settled.length} attempts`)
  sampleAll(report, settled)
  return undefined
}

/** A first success of a fresh key, to retry against. */
export async function firstSuccess(
  { field, report }: { readonly field: Field; readonly report: Report },
  intent: Intent,
): Promise<Answer | undefined> {
  const settled = await field.settle(intent)
  report.attempts(settled)
  return successIn({ field, report }, settled)
}

/** The original request once more: whatever was tried on its key, it must still get its answer. */
export async function expectUnharmed(
  { field, report }: { readonly field: Field; readonly report: Report },
  intent: Intent,
  original: Answer,
): Promise<void> {
  const settled = await field.settle(intent)
  report.attempts(settled)
  const now = lastAnswer(settled)
  if (now !== undefined && fingerprintOf(now, field.plan.ignore) === fingerprintOf(original, field.plan.ignore)) return
  const label = now === undefined ? 'no answer' : `answered ${now.status}`
  report.finding(`after that, the original request no longer gets its answer: ${label}`)
  report.sample('the original answer', original)
  if (now !== undefined) report.sample('the original request, afterwards', now)
}
