import { setTimeout as wait } from 'node:timers/promises'
import { outcomeLabel } from './attempt.ts'
import { createField, lastAnswer, type Field, type FieldParts, type OpenField } from './field.ts'
import { createJournal, type AttemptRecord, type Journal } from './journal.ts'
import { fingerprintOf, isFinalSuccess } from './judge.ts'
import { openLedger, type Ledger } from './ledger.ts'
import { resolveOptions, type Plan, type SiegeOptions } from './options.ts'
import {
  createReport,
  verdictWord,
  type Evidence,
  type ScenarioReport,
  type Verdict,
  type VerdictWord,
} from './report.ts'
import { profiles, specifications } from './profiles/index.ts'
import { chosen, scenarios } from './scenarios/index.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { SiegeError, Stopped, stopText, type StopReason } from './siege-error.ts'
import { resolveTarget } from './target.ts'
import { trafficOf, type Traffic } from './traffic.ts'

export interface ScenarioResult extends Evidence {
  readonly id: string
  readonly title: string
  readonly looksFor: string
  /** Of a profile: section and level. */
  readonly cites?: NonNullable<Scenario['cites']>
  readonly verdict: Verdict
  readonly durationMs: number
}

/** What a siege has found. */
export interface SiegeResult {
  readonly target: { readonly method: string; readonly url: string }
  readonly profile?: string
  /** What the profile checks, by name and version: `draft-ietf-httpapi-idempotency-key-header-07`. */
  readonly specification?: string
  readonly startedAt: string
  readonly durationMs: number
  readonly seed: number
  /**
   * `fail` when a scenario failed; of a profile, when a MUST did. `inconclusive` when none failed, but one could not be
   * told, or none passed.
   */
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  /** What ended it before its last scenario. */
  readonly stopped?: StopReason
  /** `deviates`: failed a SHOULD or a MAY of a profile. */
  readonly counts: Readonly<Record<VerdictWord, number>>
  readonly scenarios: readonly ScenarioResult[]
  readonly traffic: Traffic
  /** Every attempt, in the order of their ends. */
  readonly attempts: readonly AttemptRecord[]
}

/**
 * Attacks an operation of an HTTP API with retries, one scenario after another, and judges what comes back.
 *
 * @throws SiegeError `options`; `target-not-owned`; `target-unusable` when not even a plain request succeeds
 */
export async function runSiege(options: SiegeOptions): Promise<SiegeResult> {
  const plan = resolveOptions(options)
  const selected = chosen(plan.profile === undefined ? scenarios : profiles[plan.profile], plan)
  const target = await resolveTarget(plan.url, plan)
  const ledger = plan.ledger && (await openLedger(plan.ledger, plan))
  const journal = createJournal(plan, selected.length)
  const startedAt = new Date().toISOString()
  const results: ScenarioResult[] = []
  try {
    const field = await usableField({ plan, target, journal, ledger }, options.keyFormat)
    try {
      for (const scenario of selected) results.push(await runScenario(scenario, { field, journal, ledger }))
    } finally {
      field.disconnect()
    }
  } catch (error) {
    // Only the first plain requests can end here: a scenario keeps its own.
    if (!(error instanceof Stopped)) throw error
    for (const scenario of selected) results.push(skipped(scenario, `${stopText[error.reason]} before it began`))
  } finally {
    journal.close()
  }
  return summary({ plan, journal, results, startedAt })
}

/** A field on which plain requests succeed; for a profile with bare keys where the quoted ones it asks for are refused. */
async function usableField(
  parts: FieldParts & { readonly ledger: Ledger | undefined },
  keyFormat: SiegeOptions['keyFormat'],
): Promise<Field> {
  const field = createField(parts)
  try {
    await preflight(field, parts.ledger)
    return field
  } catch (error) {
    field.disconnect()
    const isRefused = error instanceof SiegeError && error.code === 'target-unusable'
    if (!isRefused || keyFormat !== undefined || parts.plan.keyFormat === 'bare') throw error
    return usableField({ ...parts, plan: { ...parts.plan, keyFormat: 'bare' } }, keyFormat)
  }
}

/** Two plain requests: the operation must work at all, and shows whether its answers differ. */
async function preflight(field: OpenField, ledger: Ledger | undefined): Promise<void> {
  const answers = []
  for (let at = 0; at < 2; at++) {
    const settled = await field.settle(field.intent())
    const answer = lastAnswer(settled)
    if (answer === undefined || !isFinalSuccess(answer, field.reading)) {
      const last = settled.at(-1)
      const label = last === undefined ? 'nothing' : outcomeLabel(last.outcome)
      const body = answer === undefined ? '' : `: ${answer.body.toString('utf8').slice(0, 300)}`
      throw new SiegeError(
        'target-unusable',
        `a plain request to ${field.plan.url.href} had no success but ${label}${body}`,
      )
    }
    answers.push(fingerprintOf(answer, field.plan.ignore))
  }
  field.tellsApart = answers[0] !== answers[1]
  field.found = true
  await ledger?.count().catch((cause: unknown) => {
    throw new SiegeError('options', messageOf(cause), { cause })
  })
}

interface Parts {
  readonly field: Field
  readonly journal: Journal
  readonly ledger: Ledger | undefined
}

async function runScenario(scenario: Scenario, { field, journal, ledger }: Parts): Promise<ScenarioResult> {
  const stopped = journal.stopReason()
  if (stopped !== undefined) return skipped(scenario, stopText[stopped])
  const missing = scenario.needs?.(field.plan)
  if (missing !== undefined) return skipped(scenario, missing)
  const report = createReport(field.plan.ignore)
  const startedMs = journal.now()
  journal.begin(scenario)
  let effects: Evidence['effects']
  try {
    const before = await ledger?.count()
    await scenario.run(field, report)
    // Only behind the last of its attempts: a scenario that was stopped knows not how many effects are right.
    if (before !== undefined && ledger !== undefined) effects = await countEffects(ledger, before, report)
    if (!field.tellsApart && ledger === undefined) {
      report.note('all answers are equal: without a ledger, two effects look like one')
    }
  } catch (error) {
    if (error instanceof Stopped && error.reason === 'gone') report.finding(stopText.gone)
    else if (error instanceof Stopped) report.inconclusive(`${stopText[error.reason]} during it`)
    else report.inconclusive(`it could not be carried out: ${messageOf(error)}`)
  }
  const verdict = report.verdict()
  journal.end(verdict)
  return {
    ...identity(scenario),
    verdict,
    durationMs: journal.now() - startedMs,
    ...report.evidence(effects),
  }
}

/** Effects may come behind their answers: a moment for the missing ones, and another for those that are too many. */
async function countEffects(ledger: Ledger, before: number, report: ScenarioReport): Promise<Evidence['effects']> {
  const { least, most } = report.expected
  const expected = least === most ? String(least) : `${least} to ${most}`
  try {
    let counted = (await ledger.count()) - before
    for (let looks = 0; counted < least && looks < 40; looks++) {
      await wait(50)
      counted = (await ledger.count()) - before
    }
    if (counted <= most) {
      await wait(100)
      counted = (await ledger.count()) - before
    }
    if (counted < 0) report.inconclusive('the ledger went backwards: it forgets, or somebody else uses it')
    else if (counted > most) report.finding(`the ledger counts ${counted} effects, and at most ${most} are right`)
    else if (counted < least && report.verdict() === 'pass') {
      report.finding(`the ledger counts ${counted} effects, and ${least} were acknowledged`)
    }
    return { expected, counted }
  } catch (error) {
    report.inconclusive(messageOf(error))
    return undefined
  }
}

const identity = ({ id, title, looksFor, cites }: Scenario) => ({ id, title, looksFor, ...(cites && { cites }) })

const skipped = (scenario: Scenario, reason: string): ScenarioResult => ({
  ...identity(scenario),
  verdict: 'skipped',
  durationMs: 0,
  ...createReport([]).evidence(),
  notes: [reason],
})

interface Findings {
  readonly plan: Plan
  readonly journal: Journal
  readonly results: readonly ScenarioResult[]
  readonly startedAt: string
}

function summary({ plan, journal, results, startedAt }: Findings): SiegeResult {
  const count = (word: VerdictWord): number => results.filter((result) => verdictWord(result) === word).length
  const counts = {
    pass: count('pass'),
    fail: count('fail'),
    deviates: count('deviates'),
    inconclusive: count('inconclusive'),
    skipped: count('skipped'),
  }
  const stopped = journal.stopReason()
  return {
    target: { method: plan.method, url: plan.url.href },
    ...(plan.profile !== undefined && { profile: plan.profile, specification: specifications[plan.profile] }),
    startedAt,
    durationMs: journal.now(),
    seed: plan.seed,
    verdict: counts.fail > 0 ? 'fail' : counts.inconclusive > 0 || counts.pass === 0 ? 'inconclusive' : 'pass',
    ...(stopped !== undefined && { stopped }),
    counts,
    scenarios: results,
    traffic: trafficOf(journal.records),
    attempts: journal.records,
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
