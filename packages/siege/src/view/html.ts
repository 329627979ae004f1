import {
  barChart,
  histogram,
  htmlPage,
  scatterChart,
  type Block,
  type Cell,
  type Colour,
  type Tone,
} from '@holdfast/report'
import type { AttemptRecord } from '../journal.ts'
import type { ScenarioResult, SiegeResult } from '../run-siege.ts'
import { verdictWord } from '../report.ts'
import { latenciesOf } from '../traffic.ts'
import { conclusion, outcomesText } from './words.ts'

/** Points beyond that make the page heavy and the picture no clearer: every n-th is drawn, and the page says so. */
const maxPoints = 6_000

const tones: Readonly<Record<string, Tone>> = {
  pass: 'good',
  fail: 'bad',
  deviates: 'warn',
  inconclusive: 'warn',
  skipped: 'muted',
}

const toned = (text: string): Cell => ({ text, tone: tones[text] ?? 'muted' })

/** The result as one HTML document that needs nothing else. */
export async function resultHtml(result: SiegeResult): Promise<string> {
  const { target, traffic, verdict } = result
  return htmlPage({
    title: `Siege of ${target.method} ${target.url}`,
    subtitle: `${result.specification === undefined ? '' : `${result.specification} · `}${result.startedAt} · seed ${result.seed} · ${conclusion(result)}`,
    sections: [
      {
        heading: 'Verdict',
        blocks: [
          {
            kind: 'figures',
            figures: [
              { label: 'verdict', value: toned(verdict) },
              ...Object.entries(result.counts)
                .filter(([, count]) => count > 0)
                .map(([label, value]) => ({ label, value })),
              { label: 'attempts', value: traffic.attempts },
              { label: 'seconds', value: Number((result.durationMs / 1_000).toFixed(1)) },
              ...(traffic.latencyMs === undefined
                ? []
                : [
                    { label: 'p50 ms', value: traffic.latencyMs.p50 },
                    { label: 'p99 ms', value: traffic.latencyMs.p99 },
                  ]),
            ],
          },
          scenarioTable(result.scenarios),
        ],
      },
      { heading: 'Traffic', blocks: await charts(result) },
      { heading: 'Evidence', blocks: result.scenarios.map(evidence) },
    ],
  })
}

function scenarioTable(scenarios: readonly ScenarioResult[]): Block {
  const profile = scenarios.some(({ cites }) => cites !== undefined)
  const withLedger = scenarios.some(({ effects }) => effects !== undefined)
  return {
    kind: 'table',
    columns: [
      'scenario',
      ...(profile ? ['section'] : []),
      'verdict',
      'answers',
      ...(withLedger ? ['effects'] : []),
      'found',
    ],
    rows: scenarios.map((one) => [
      one.title,
      ...(profile ? [one.cites === undefined ? '' : `${one.cites.section} ${one.cites.level}`] : []),
      toned(verdictWord(one)),
      outcomesText(one.outcomes),
      ...(withLedger ? [one.effects === undefined ? '' : `${one.effects.counted} of ${one.effects.expected}`] : []),
      one.findings.length > 0 ? one.findings.join('; ') : one.verdict === 'pass' ? '' : one.notes.join('; '),
    ]),
  }
}

function evidence(one: ScenarioResult): Block {
  const word = verdictWord(one)
  const blocks: Block[] = [
    { kind: 'text', text: `Looks for: ${one.looksFor}.`, tone: 'muted' },
    {
      kind: 'text',
      text: `${one.attempts} attempts in ${Math.round(one.durationMs)} ms: ${outcomesText(one.outcomes)}`,
    },
  ]
  if (one.effects)
    blocks.push({ kind: 'text', text: `Effects: ${one.effects.counted} counted, ${one.effects.expected} expected` })
  if (one.findings.length > 0) {
    blocks.push({ kind: 'list', items: one.findings.map((text): Cell => ({ text, tone: 'bad' })) })
  }
  if (one.notes.length > 0) blocks.push({ kind: 'list', items: one.notes })
  for (const { label, status, body } of one.samples) {
    blocks.push({ kind: 'text', text: `${label}: ${status}`, tone: 'muted' }, { kind: 'code', text: body })
  }
  return { kind: 'details', summary: { text: `${one.title}: ${word}`, tone: tones[word] ?? 'muted' }, blocks }
}

async function charts({ attempts, traffic, scenarios }: SiegeResult): Promise<readonly Block[]> {
  if (attempts.length === 0) return [{ kind: 'text', text: 'No attempt was made.' }]
  const latencies = latenciesOf(attempts)
  const outcomes = Object.entries(traffic.outcomes).sort(([, a], [, b]) => b - a)
  const step = Math.ceil(attempts.length / maxPoints)
  const drawn = attempts.filter((_, at) => at % step === 0)
  const rows = scenarios.filter(({ verdict }) => verdict !== 'skipped')
  const rowOf = new Map(rows.map(({ id }, at) => [id, at]))
  const sampled = step === 1 ? 'each attempt' : `one attempt in ${step}`
  return [
    chart(
      await barChart({
        title: 'Attempts by outcome',
        horizontal: true,
        categories: outcomes.map(([name]) => name),
        series: [{ name: 'attempts', values: outcomes.map(([, times]) => times) }],
      }),
      outcomesText(traffic.outcomes),
    ),
    chart(
      // The slowest in a hundred would press all others into one bar.
      await histogram({
        title: 'Latency',
        subtitle: `${latencies.length} attempts with an answer; the slowest 1 % are left out`,
        values: fastest(latencies, 0.99),
        unit: 'ms',
      }),
      `Half of the answers came within ${traffic.latencyMs?.p50 ?? 0} ms`,
    ),
    chart(
      await scatterChart({
        title: 'Attempts over time',
        subtitle: `${sampled}, at its start`,
        xLabel: 'seconds',
        yLabel: 'ms until its outcome',
        series: byOutcome(drawn, (one) => [one.startedMs / 1_000, one.durationMs]),
      }),
      'Start and duration of the attempts',
    ),
    chart(
      await scatterChart({
        title: 'Attempts by scenario',
        subtitle: sampled,
        xLabel: 'seconds',
        rows: rows.map(({ title }) => title),
        series: byOutcome(
          drawn.filter(({ scenario }) => rowOf.has(scenario)),
          (one) => [one.startedMs / 1_000, rowOf.get(one.scenario) ?? 0],
        ),
      }),
      'When each scenario made its attempts, and how these ended',
    ),
  ]
}

const chart = (svg: string, alt: string): Block => ({ kind: 'chart', svg, alt })

const fastest = (values: readonly number[], part: number): readonly number[] =>
  values.toSorted((a, b) => a - b).slice(0, Math.max(1, Math.ceil(values.length * part)))

function byOutcome(records: readonly AttemptRecord[], place: (one: AttemptRecord) => readonly [number, number]) {
  const names = [...new Set(records.map(({ outcome }) => outcome))].sort()
  return names.map((name) => ({
    name,
    colour: colourOf(name),
    points: records.filter(({ outcome }) => outcome === name).map(place),
  }))
}

function colourOf(outcome: string): Colour {
  if (outcome === 'cut') return 'muted'
  if (!/^\d+$/.test(outcome)) return '#b86bd6'
  if (outcome.startsWith('2')) return outcome === '202' ? '#3f8ae0' : 'good'
  if (outcome.startsWith('5')) return 'bad'
  if (outcome === '409') return '#39b0b8'
  return outcome === '422' ? '#e8833a' : 'warn'
}
