import type { Finding, VerifyReport } from '@holdfast/audit'
import { barChart, htmlPage, type Block, type Cell, type Section } from '@holdfast/report'

const maxBars = 20
const maxRows = 1_000

/** The report of a verification as one HTML document. */
export async function verifyPage(report: VerifyReport): Promise<string> {
  const { scope, startedAt, counts } = report
  return htmlPage({
    title: 'Audit of the history',
    subtitle: `${startedAt}: ${counts.events} events${scope.app === null ? '' : `, application ${scope.app}`}`,
    sections: [
      summary(report),
      await outcomesSection(report),
      sealSection(report),
      ...projectionSections(report),
      findingsSection(report),
    ],
  })
}

function summary({ sound, counts, outcomes, scope, unknownCommands, durationMs }: VerifyReport): Section {
  const figures: readonly (readonly [string, Cell])[] = [
    ['verdict', sound ? { text: 'sound', tone: 'good' } : { text: 'not sound', tone: 'bad' }],
    ['events', counts.events],
    ['streams', counts.streams],
    ['outcomes', counts.generations],
    ['open', counts.open],
    ['removed on purpose', counts.removed],
    ['released', outcomes.released],
    ['responses projected again', counts.responsesProjected],
    ['contradictions', { text: String(counts.corruptions), tone: counts.corruptions > 0 ? 'bad' : 'good' }],
    ['drift of the code', { text: String(counts.drifts), tone: counts.drifts > 0 ? 'warn' : 'good' }],
    ['seconds', (durationMs / 1000).toFixed(1)],
  ]
  const blocks: Block[] = [{ kind: 'figures', figures: figures.map(([label, value]) => ({ label, value })) }]
  if (scope.since !== null) blocks.push({ kind: 'text', text: `Only what was recorded since ${scope.since}.` })
  if (scope.tenant !== null) blocks.push({ kind: 'text', text: `Only outcomes of the tenant ${scope.tenant}.` })
  const unknown = Object.entries(unknownCommands)
  if (unknown.length > 0) {
    const items = unknown.map(([name, count]) => `${name}: ${count}`)
    blocks.push(
      { kind: 'text', text: 'Not projected again, since the application does not have them:', tone: 'warn' },
      { kind: 'list', items },
    )
  }
  return { heading: 'Summary', blocks }
}

const kinds = [
  { name: 'succeeded', colour: 'good' },
  { name: 'rejected', colour: 'warn' },
  { name: 'failed', colour: 'bad' },
] as const

async function outcomesSection({ commands, hours, eventTypes }: VerifyReport): Promise<Section> {
  const blocks: Block[] = []
  const names = Object.keys(commands).slice(0, maxBars)
  if (names.length > 0) {
    const svg = await barChart({
      title: 'Outcomes by command',
      categories: names,
      series: kinds.map(({ name, colour }) => ({
        name,
        colour,
        values: names.map((one) => commands[one]?.[name] ?? 0),
      })),
      horizontal: true,
      stacked: true,
    })
    blocks.push({ kind: 'chart', svg, alt: 'Outcomes by command, as in the table' })
    const rows = Object.entries(commands).map(([name, { succeeded, rejected, failed, released }]) => [
      ...[name, succeeded, rejected, failed, released],
    ])
    blocks.push({ kind: 'table', columns: ['command', 'succeeded', 'rejected', 'failed', 'released'], rows })
  }
  const periods = byPeriod(hours)
  if (periods.length > 1) {
    const svg = await barChart({
      title: 'Outcomes over time',
      categories: periods.map(([period]) => period),
      series: [{ name: 'outcomes', values: periods.map(([, count]) => count) }],
    })
    blocks.push({ kind: 'chart', svg, alt: 'Outcomes over time' })
  }
  const types = Object.entries(eventTypes).sort(([, a], [, b]) => b - a)
  if (types.length > 0) {
    const shown = types.slice(0, maxBars)
    const svg = await barChart({
      title: 'Events by type',
      categories: shown.map(([type]) => type),
      series: [{ name: 'events', values: shown.map(([, count]) => count) }],
      horizontal: true,
    })
    blocks.push({ kind: 'chart', svg, alt: 'Events by type' })
  }
  return { heading: 'What happened', blocks }
}

/** By hour, or by day or month where there would be too many. */
function byPeriod(hours: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  for (const length of ['2026-11-24T08'.length, '2026-11-24'.length, '2026-11'.length]) {
    const periods = new Map<string, number>()
    for (const [hour, count] of Object.entries(hours)) {
      const period = hour.slice(0, length)
      periods.set(period, (periods.get(period) ?? 0) + count)
    }
    if (periods.size <= maxBars || length === '2026-11'.length) return [...periods].slice(-maxBars)
  }
  return []
}

function sealSection({ seal }: VerifyReport): Section {
  const heading = 'Seals'
  if (seal === null) {
    const text = 'There was no seal to compare with: a change by hand that contradicts nothing would not be seen.'
    return { heading, blocks: [{ kind: 'text', text, tone: 'warn' }] }
  }
  const figures: readonly (readonly [string, Cell])[] = [
    ['verdict', seal.whole ? { text: 'as sealed', tone: 'good' } : { text: 'tampered with', tone: 'bad' }],
    ['checkpoints', seal.checkpoints],
    ['events as they were sealed', seal.sealedEvents],
    ['newer events', seal.unsealedEvents],
    ...(seal.whole ? [] : ([['first bad position', seal.firstBadPosition ?? 'cannot be told']] as const)),
  ]
  const blocks: Block[] = [{ kind: 'figures', figures: figures.map(([label, value]) => ({ label, value })) }]
  if (seal.leavesSound === false) {
    blocks.push({ kind: 'text', text: 'The file of leaves is damaged: it cannot name positions.', tone: 'warn' })
  }
  return { heading, blocks }
}

function projectionSections({ projections }: VerifyReport): readonly Section[] {
  if (projections.length === 0) return []
  const rows = projections.map(({ name, state, documents, position }): readonly Cell[] => [
    name,
    { text: state, tone: state === 'equal' ? 'good' : state === 'different' ? 'bad' : 'warn' },
    documents ?? '',
    position ?? '',
  ])
  const columns = ['projection', 'compared with a rebuild', 'documents', 'position']
  return [{ heading: 'Projections', blocks: [{ kind: 'table', columns, rows }] }]
}

function findingsSection({ findings, findingsByRule }: VerifyReport): Section {
  const heading = 'Findings'
  if (findings.length === 0) return { heading, blocks: [{ kind: 'text', text: 'None.', tone: 'good' }] }
  const row = ({ rule, severity, position, stream, revision, message }: Finding): readonly Cell[] => [
    { text: rule, tone: severity === 'drift' ? 'warn' : 'bad' },
    position ?? '',
    { text: stream ?? '', code: true },
    revision ?? '',
    message,
  ]
  return {
    heading,
    blocks: [
      {
        kind: 'table',
        columns: ['rule', 'found'],
        rows: Object.entries(findingsByRule).map(([rule, count]) => [rule, count]),
      },
      {
        kind: 'table',
        columns: ['rule', 'position', 'stream', 'revision', 'what'],
        rows: findings.slice(0, maxRows).map(row),
        caption: 'The first findings of each rule',
      },
    ],
  }
}
