import { answersOf, outcomeLabel, type Answer, type Attempt } from './attempt.ts'
import { fingerprintOf } from './judge.ts'
import type { Scenario } from './scenarios/scenario.ts'

/**
 * - `pass`: looked for the hole, and it is not there
 * - `fail`: it is there
 * - `skipped`: was not looked for; the reason is in the notes
 * - `inconclusive`: was looked for, and cannot be told
 */
export type Verdict = 'pass' | 'fail' | 'skipped' | 'inconclusive'

/** A verdict as readers see it: from what a SHOULD or a MAY asks for a server deviates. */
export type VerdictWord = Verdict | 'deviates'

export function verdictWord(result: { readonly verdict: Verdict; readonly cites?: Scenario['cites'] }): VerdictWord {
  const { verdict, cites } = result
  return verdict === 'fail' && cites !== undefined && cites.level !== 'MUST' ? 'deviates' : verdict
}

/** An answer that is shown as evidence. */
export interface Sample {
  readonly label: string
  readonly status: number
  /** At most 400 characters. */
  readonly body: string
}

/** What a scenario found. */
export interface Evidence {
  /** Attempts by status, `cut`, or failure; the most frequent first. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly attempts: number
  /** What is wrong; each once, with how often. */
  readonly findings: readonly string[]
  readonly notes: readonly string[]
  readonly samples: readonly Sample[]
  /** By the ledger; absent without one. */
  readonly effects?: { readonly expected: string; readonly counted: number }
}

/** Where a scenario puts what it sees. */
export interface Report {
  /** Something is wrong: the scenario fails. */
  finding(text: string): void
  note(text: string): void
  /** Cannot be told, unless something is found wrong. */
  inconclusive(text: string): void
  attempts(attempts: readonly Attempt[]): void
  /** So many more effects are to be expected of the scenario. */
  effects(least: number, most?: number): void
  sample(label: string, answer: Answer): void
}

export interface ScenarioReport extends Report {
  readonly expected: { readonly least: number; readonly most: number }
  verdict(): Verdict
  evidence(effects?: Evidence['effects']): Evidence
}

/** No more than a reader can take in. */
const maxSamples = 6

export function createReport(ignore: readonly string[]): ScenarioReport {
  const findings = new Map<string, number>()
  const notes = new Set<string>()
  // Not the attempts themselves: their bodies would fill the memory.
  const outcomes = new Map<string, number>()
  const samples = new Map<string, Sample>()
  const expected = { least: 0, most: 0 }
  let unclear = false
  return {
    expected,
    finding: (text) => void findings.set(text, (findings.get(text) ?? 0) + 1),
    note: (text) => void notes.add(text),
    inconclusive(text) {
      unclear = true
      notes.add(text)
    },
    attempts(attempts) {
      for (const { outcome } of attempts) {
        const label = outcomeLabel(outcome)
        outcomes.set(label, (outcomes.get(label) ?? 0) + 1)
      }
    },
    effects(least, most = least) {
      expected.least += least
      expected.most += most
    },
    sample(label, answer) {
      const fingerprint = fingerprintOf(answer, ignore)
      if (samples.size >= maxSamples || samples.has(fingerprint)) return
      const text = answer.body.toString('utf8')
      const body = text.length > 400 ? `${text.slice(0, 399)}…` : text
      samples.set(fingerprint, { label, status: answer.status, body })
    },
    verdict: () => (findings.size > 0 ? 'fail' : unclear ? 'inconclusive' : 'pass'),
    evidence: (effects) => ({
      outcomes: Object.fromEntries([...outcomes].sort(([, a], [, b]) => b - a)),
      attempts: [...outcomes.values()].reduce((sum, times) => sum + times, 0),
      findings: [...findings].map(([text, times]) => (times === 1 ? text : `${text} (${times} times)`)),
      notes: [...notes],
      samples: [...samples.values()],
      ...(effects && { effects }),
    }),
  }
}

/** Shows each different answer once. */
export function sampleAll(report: Report, attempts: readonly Attempt[]): void {
  for (const answer of answersOf(attempts)) report.sample('answer', answer)
}
