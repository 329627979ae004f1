/** How figures are written in the report. */
export const count = (value: number): string => Math.round(value).toLocaleString('en')
export const ratio = (value: number): string => `${value.toFixed(2)} ×`
export const ms = (value: number): string => value.toFixed(1)
export const micros = (value: number): string => count(value)

/** A Markdown table; all columns but the first stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)]
}
