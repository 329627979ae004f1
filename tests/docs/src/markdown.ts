/** A fenced block of code. */
export interface CodeBlock {
  /** First word behind the fence: `sh`, `ts`, `text`. */
  readonly language: string
  /** The other words: `run`, `app`. */
  readonly flags: readonly string[]
  readonly text: string
  /** Line of the opening fence, from 1. */
  readonly line: number
}

/** A link as it stands in the text. */
export interface Link {
  readonly text: string
  readonly target: string
  /** From 1. */
  readonly line: number
}

/** What the checks need of a Markdown document. */
export interface Markdown {
  readonly blocks: readonly CodeBlock[]
  readonly links: readonly Link[]
  /** Anchors of the headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>
  readonly headings: readonly string[]
  /** Inline code, without its back-ticks. */
  readonly code: readonly { readonly text: string; readonly line: number }[]
}

const fencePattern = /^ {0,3}(`{3,}|~{3,})\s*(.*)$/
const linkPattern = /!?\[((?:[^\]`]|`[^`]*`)*)\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g
const referencePattern = /^ {0,3}\[([^\]]+)\]:\s*(\S+)/

/** Reads a document line by line; nothing in a fenced block is taken for a link or a heading. */
export function parseMarkdown(source: string): Markdown {
  const blocks: CodeBlock[] = []
  const links: Link[] = []
  const headings: string[] = []
  const code: { readonly text: string; readonly line: number }[] = []
  const anchors = new Set<string>()
  const lines = source.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at] ?? ''
    const fence = fencePattern.exec(text)
    if (fence !== null) {
      const end = endOfBlock(lines, at, fence[1] ?? '')
      const [language = '', ...flags] = (fence[2] ?? '').split(/\s+/)
      blocks.push({ language, flags, text: lines.slice(at + 1, end).join('\n'), line: at + 1 })
      at = end
      continue
    }
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1]
    if (heading !== undefined) {
      headings.push(heading)
      anchors.add(anchorOf(heading, anchors))
    }
    for (const match of text.matchAll(linkPattern))
      links.push({ text: match[1] ?? '', target: match[2] ?? '', line: at + 1 })
    const reference = referencePattern.exec(text)
    if (reference !== null) links.push({ text: reference[1] ?? '', target: reference[2] ?? '', line: at + 1 })
    for (const match of text.matchAll(/`([^`]+)`/g)) code.push({ text: match[1] ?? '', line: at + 1 })
  }
  return { blocks, links, anchors, headings, code }
}

function endOfBlock(lines: readonly string[], start: number, fence: string): number {
  for (let at = start + 1; at < lines.length; at++) {
    const closing = fencePattern.exec(lines[at] ?? '')
    if (closing?.[2] === '' && closing[1]?.startsWith(fence) === true) return at
  }
  return lines.length
}

/** GitHub's rule: lower case, punctuation dropped, spaces to hyphens; a second one of the same text is numbered. */
function anchorOf(heading: string, taken: ReadonlySet<string>): string {
  const plain = heading.replace(/`/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  const anchor = plain
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
  if (!taken.has(anchor)) return anchor
  let number = 1
  while (taken.has(`${anchor}-${number}`)) number++
  return `${anchor}-${number}`
}
