import Table from 'cli-table3'
import pc from 'picocolors'

/** Where a command writes its answer: tables and sentences for people, one JSON document for programs. */
export interface Output {
  readonly json: boolean
  /** The answer of a command: `value` as JSON, or else what `text` writes. */
  answer(value: unknown, text: () => void): void
  line(text?: string): void
  table(head: readonly string[], rows: readonly (readonly string[])[]): void
}

export function createOutput(write: (text: string) => void, json: boolean): Output {
  const line = (text = ''): void => {
    write(`${text}\n`)
  }
  return {
    json,
    line,
    answer: (value, text) => {
      if (json) line(JSON.stringify(value, bigintsAsText, 2))
      else text()
    },
    table: (head, rows) => {
      const table = new Table({
        head: head.map((title) => pc.bold(title)),
        style: { head: [], border: [], compact: true },
        chars: plainRules,
      })
      for (const row of rows) table.push([...row])
      line(table.toString().replace(/ +$/gm, ''))
    },
  }
}

const bigintsAsText = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/** Columns with space between them, and no frame: it can be copied, and `grep` finds its way. */
const plainRules = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' },
}

export const timeOf = (ms: number): string => new Date(ms).toISOString()

export const tone = { good: pc.green, bad: pc.red, warn: pc.yellow, muted: pc.dim, strong: pc.bold } as const
