import type { ProjectionComparison } from './compare-projection.ts'
import type { Finding } from './findings.ts'
import type { ProjectionSummary, VerifyReport } from './summary.ts'

/** The report with what the comparison of each live projection has found. */
export function addProjections(
  report: VerifyReport,
  comparisons: readonly (readonly [name: string, comparison: ProjectionComparison])[],
): VerifyReport {
  const found: Finding[] = []
  let count = 0
  const projections = comparisons.map(([name, comparison]): ProjectionSummary => {
    if (comparison.kind !== 'compared') return { name, state: comparison.kind }
    const { position, documents, differences, differenceCount } = comparison
    count += differenceCount
    for (const { kind, tenant, id, what } of differences) {
      const whose = tenant === '' ? '' : ` of ${tenant}`
      const message = `${name}, document "${id}"${whose}: ${kind}: ${what}`
      found.push({ severity: 'corruption', rule: 'projection', message, position: String(position) })
    }
    return { name, state: differenceCount === 0 ? 'equal' : 'different', position: String(position), documents }
  })
  if (count === 0) return { ...report, projections }
  return {
    ...report,
    sound: false,
    counts: { ...report.counts, corruptions: report.counts.corruptions + count },
    findingsByRule: { ...report.findingsByRule, projection: count },
    findings: [...report.findings, ...found],
    projections,
  }
}
