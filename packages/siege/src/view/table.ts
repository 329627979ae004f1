import Table from 'cli-table3'
import pc from 'picocolors'
import { verdictWord } from '../report.ts'
import type { ScenarioResult, SiegeResult } from '../run-siege.ts'
import { conclusion, outcomesText, painted, printable } from './words.ts'

export interface TableOptions {
  /** Columns of the terminal; default 100. */
  readonly columns?: number
}

/** The result as a table for a terminal, with what was found below it. */
export function resultTable(result: SiegeResult, { columns = 100 }: TableOptions = {}): string {
  const profile = result.scenarios.some(({ cites }) => cites !== undefined)
  const withLedger = result.scenarios.some(({ effects }) => effects !== undefined)
  const table = new Table({
    head: ['scenario', ...(profile ? ['section'] : []), 'verdict', 'answers', ...(withLedger ? ['effects'] : []), 'ms'],
    // Colours are picocolors's: the table's own are there without a terminal too.
    style: { head: [], border: [], compact: true },
    wordWrap: true,
    colWidths: widths(columns, { profile, withLedger }),
  })
  for (const one of result.scenarios) {
    const { effects, cites } = one
    table.push([
      one.title,
      ...(profile ? [cites === undefined ? '' : `${cites.section} ${cites.level}`] : []),
      painted(verdictWord(one)),
      outcomesText(one.outcomes),
      ...(withLedger ? [effects === undefined ? '' : `${effects.counted} of ${effects.expected}`] : []),
      { content: Math.round(one.durationMs), hAlign: 'right' },
    ])
  }
  return [table.toString(), ...remarks(result), ...totals(result)].join('\n')
}

function widths(columns: number, { profile, withLedger }: { readonly profile: boolean; readonly withLedger: boolean }) {
  const fixed = [...(profile ? [14] : []), 14, ...(withLedger ? [14] : []), 9]
  const rest = Math.max(40, Math.min(columns, 140) - fixed.reduce((sum, one) => sum + one, 0) - fixed.length - 3)
  const title = Math.floor(rest * 0.58)
  return [title, ...(profile ? [14] : []), 14, rest - title, ...(withLedger ? [14] : []), 9]
}

/** What was found and cannot be told, per scenario. Of those that passed nothing. */
function remarks({ scenarios }: SiegeResult): readonly string[] {
  return scenarios.flatMap((one) => (one.verdict === 'pass' ? [] : remarkOf(one)))
}

function remarkOf(one: ScenarioResult): readonly string[] {
  if (one.verdict === 'skipped') return [`${pc.dim(`- ${one.title}: ${one.notes.join('; ')}`)}`]
  return [
    `${painted(verdictWord(one))} ${pc.bold(one.title)}`,
    ...one.findings.map((finding) => `  ${printable(finding)}`),
    ...one.notes.map((note) => pc.dim(`  ${printable(note)}`)),
    ...(one.findings.length === 0
      ? []
      : one.samples
          .slice(0, 3)
          .map(({ label, status, body }) => pc.dim(`  ${label}: ${status} ${printable(body).slice(0, 160)}`))),
  ]
}

function totals(result: SiegeResult): readonly string[] {
  const { attempts, outcomes, latencyMs } = result.traffic
  const latency = latencyMs && `, p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`
  return [
    '',
    ...(result.specification === undefined ? [] : [`Sections are those of ${result.specification}.`]),
    `${result.target.method} ${result.target.url}: ${attempts} attempts in ${(result.durationMs / 1_000).toFixed(1)} s (${outcomesText(outcomes)})${latency ?? ''}`,
    `${painted(result.verdict)}${conclusion(result).slice(result.verdict.length)}`,
  ]
}
