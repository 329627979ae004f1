export interface CsvDocument {
  readonly tenant: string
  readonly id: string
  readonly document: unknown
}

/**
 * Documents as CSV (RFC 4180, with line feeds): tenant, id, and a column for each member of any of them. A member that is no
 * text or number stands as JSON; a document that is no object stands in a column `document`.
 */
export function csvOf(documents: readonly CsvDocument[]): string {
  const rows = documents.map(({ tenant, id, document }) => ({ tenant, id, members: membersOf(document) }))
  const names = [...new Set(rows.flatMap(({ members }) => Object.keys(members)))]
  const lines = [
    ['tenant', 'id', ...names],
    ...rows.map(({ tenant, id, members }) => [tenant, id, ...names.map((name) => textOf(members[name]))]),
  ]
  return lines.map((cells) => cells.map(cellOf).join(',')).join('\n')
}

const membersOf = (document: unknown): Readonly<Record<string, unknown>> =>
  typeof document === 'object' && document !== null && !Array.isArray(document)
    ? (document as Record<string, unknown>)
    : { document }

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A cell that a spreadsheet would take for a formula is quoted as text. */
function cellOf(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
