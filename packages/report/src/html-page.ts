import { escapeHtml } from './escape-html.ts'
import { styles } from './styles.ts'

export type Tone = 'good' | 'bad' | 'warn' | 'muted'

/** Text in a tone, a link, or code. Plain text and numbers need no object. Numbers stand at the right. */
export type Cell =
  string | number | { readonly text: string; readonly tone?: Tone; readonly code?: boolean; readonly href?: string }

export type Block =
  | { readonly kind: 'text'; readonly text: string; readonly tone?: Tone }
  /** Short figures with what they are: the head of a report. */
  | { readonly kind: 'figures'; readonly figures: readonly { readonly label: string; readonly value: Cell }[] }
  | {
      readonly kind: 'table'
      readonly columns: readonly string[]
      readonly rows: readonly (readonly Cell[])[]
      readonly caption?: string
    }
  | { readonly kind: 'list'; readonly items: readonly Cell[] }
  | { readonly kind: 'code'; readonly text: string }
  /** An SVG element as the charts of this package make it; `alt` says in words what it shows. */
  | { readonly kind: 'chart'; readonly svg: string; readonly alt: string }
  /** Shut until the reader opens it. */
  | { readonly kind: 'details'; readonly summary: Cell; readonly blocks: readonly Block[] }

export interface Section {
  readonly heading: string
  readonly blocks: readonly Block[]
}

export interface HtmlPage {
  readonly title: string
  readonly subtitle?: string
  readonly sections: readonly Section[]
}

/**
 * One HTML document that needs nothing else: no script, no request, styles and charts inside, and a policy that forbids
 * the rest. All text is escaped. Charts are put in as images, where no script can run, so that even an SVG
 * from elsewhere does no harm; a link goes to `http:`, `https:` or a place of the page, or it is text.
 */
export function htmlPage({ title, subtitle, sections }: HtmlPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${styles}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${subtitle === undefined ? '' : `<p class="subtitle">${escapeHtml(subtitle)}</p>\n`}${sections.map(section).join('\n')}
</main>
</body>
</html>
`
}

const section = ({ heading, blocks }: Section): string =>
  `<section>\n<h2>${escapeHtml(heading)}</h2>\n${blocks.map(block).join('\n')}\n</section>`

function block(one: Block): string {
  switch (one.kind) {
    case 'text':
      return `<p${toneClass(one.tone)}>${escapeHtml(one.text)}</p>`
    case 'figures':
      return `<dl class="figures">${one.figures
        .map(({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${inline(value)}</dd></div>`)
        .join('')}</dl>`
    case 'table':
      return table(one)
    case 'list':
      return `<ul>${one.items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`
    case 'code':
      return `<pre><code>${escapeHtml(one.text)}</code></pre>`
    case 'chart':
      return `<img class="chart" alt="${escapeHtml(one.alt)}" src="data:image/svg+xml;base64,${Buffer.from(one.svg).toString('base64')}">`
    case 'details':
      return `<details><summary>${inline(one.summary)}</summary>\n${one.blocks.map(block).join('\n')}\n</details>`
  }
}

function table({ columns, rows, caption }: Extract<Block, { kind: 'table' }>): string {
  const head = columns
    .map((column, at) => `<th scope="col"${numberClass(rows[0]?.[at])}>${escapeHtml(column)}</th>`)
    .join('')
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')
  const title = caption === undefined ? '' : `<caption>${escapeHtml(caption)}</caption>`
  return `<div class="scroll"><table>${title}<thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table></div>`
}

const cell = (value: Cell): string => `<td${numberClass(value)}>${inline(value)}</td>`

const numberClass = (value: Cell | undefined): string => (typeof value === 'number' ? ' class="number"' : '')

function inline(value: Cell): string {
  if (typeof value !== 'object') return escapeHtml(String(value))
  const text = value.code === true ? `<code>${escapeHtml(value.text)}</code>` : escapeHtml(value.text)
  const linked =
    value.href !== undefined && /^(https?:\/\/|#)/i.test(value.href)
      ? `<a href="${escapeHtml(value.href)}" rel="noreferrer">${text}</a>`
      : text
  return value.tone === undefined ? linked : `<span${toneClass(value.tone)}>${linked}</span>`
}

const toneClass = (tone: Tone | undefined): string => (tone === undefined ? '' : ` class="${tone}"`)
