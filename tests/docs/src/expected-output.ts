/**
 * Compares what a command printed with what a document shows.
 *
 * Ids and times are different at each run, so the text of the document stands for their form: a UUID for a UUID, 64 hex
 * digits for 64 hex digits, a time for a time. Ids keep their identity: where the document shows one id twice (in one
 * block, or in a later one of the same document), the output must have one id twice, and two ids must be two.
 * `…` within a line stands for any text of that line, a line `…` for any number of lines.
 */
export interface OutputMatcher {
  /** Undefined when it fits, else what differs. */
  compare(expected: string, actual: string): string | undefined
}

interface Volatile {
  readonly pattern: string
  /** True for ids, false for times: two times may happen to be one. */
  readonly identity: boolean
}

const hex = (digits: number): string => `[0-9a-f]{${digits}}`
const volatile: readonly Volatile[] = [
  { pattern: `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`, identity: true },
  { pattern: `\\b${hex(64)}\\b`, identity: true },
  { pattern: String.raw`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z`, identity: false },
  {
    pattern: String.raw`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`,
    identity: false,
  },
  // Milliseconds since the epoch, from 2001 on.
  { pattern: String.raw`\b[1-9]\d{12}\b`, identity: false },
]
const anyVolatile = new RegExp(volatile.map(({ pattern }) => `(${pattern})`).join('|'), 'g')
const anyText = '…'

/** One matcher for one document: what is bound in a block stays bound in the later ones. */
export function createOutputMatcher(): OutputMatcher {
  /** Id in the document → id in the output. */
  const bound = new Map<string, string>()
  return {
    compare(expected, actual) {
      const wanted = lines(expected)
      const printed = lines(actual)
      const found: Binding[] = []
      const pattern = new RegExp(`^${patternOf(wanted, bound, found)}$`)
      const match = pattern.exec(`${printed}\n`)
      if (match === null) return `the document shows\n${wanted}\n--- and the output is\n${printed}`
      for (const { id, group } of found) bound.set(id, match.groups?.[group] ?? '')
      const values = [...bound.values()]
      const twice = values.find((value, at) => values.indexOf(value) !== at)
      return twice === undefined ? undefined : `the document shows two ids, and the output has one: ${twice}`
    },
  }
}

interface Binding {
  /** As it stands in the document. */
  readonly id: string
  /** Name of the group that catches what the output has in its place. */
  readonly group: string
}

/** Without carriage returns, white space at the ends of lines, and empty lines at the end. */
const lines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd()

function patternOf(expected: string, bound: ReadonlyMap<string, string>, found: Binding[]): string {
  return expected
    .split('\n')
    .map((line) => (line === anyText ? '(?:.*\\n)*?' : `${linePattern(line, bound, found)}\\n`))
    .join('')
}

function linePattern(line: string, bound: ReadonlyMap<string, string>, found: Binding[]): string {
  let pattern = ''
  let at = 0
  for (const match of line.matchAll(anyVolatile)) {
    pattern += literal(line.slice(at, match.index)) + tokenPattern(match, bound, found)
    at = match.index + match[0].length
  }
  return pattern + literal(line.slice(at))
}

function tokenPattern(match: RegExpExecArray, bound: ReadonlyMap<string, string>, found: Binding[]): string {
  const [token, ...kinds] = match
  const kind = volatile[kinds.findIndex((text) => (text as string | undefined) !== undefined)]
  if (kind === undefined) return literal(token)
  if (!kind.identity) return kind.pattern
  const known = bound.get(token)
  if (known !== undefined) return literal(known)
  const before = found.find(({ id }) => id === token)
  if (before !== undefined) return `\\k<${before.group}>`
  const group = `id${found.length}`
  found.push({ id: token, group })
  return `(?<${group}>${kind.pattern})`
}

const literal = (text: string): string =>
  text
    .split(anyText)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
    .join('.*')
