import { describe, expect, test } from 'vitest'
import { escapeHtml, htmlPage, type Block, type Cell } from './index.ts'

const hostile = `"><img src=x onerror=alert(1)><script>alert('1')</script>&amp;`
const page = (blocks: readonly Block[]) => htmlPage({ title: 't', sections: [{ heading: 'h', blocks }] })
/** What stands in the page's body, without its style sheet. */
const bodyOf = (html: string) => html.slice(html.indexOf('<body>'))

describe('htmlPage', () => {
  test('hostile text stays text, wherever it comes in', () => {
    const cells: Cell[] = [hostile, { text: hostile, tone: 'bad', code: true, href: `https://x/${hostile}` }]
    const html = htmlPage({
      title: hostile,
      subtitle: hostile,
      sections: [
        {
          heading: hostile,
          blocks: [
            { kind: 'text', text: hostile },
            { kind: 'figures', figures: [{ label: hostile, value: hostile }] },
            { kind: 'table', columns: [hostile, hostile], rows: [cells], caption: hostile },
            { kind: 'list', items: cells },
            { kind: 'code', text: hostile },
            { kind: 'chart', svg: `<svg><script>alert(2)</script></svg>`, alt: hostile },
            { kind: 'details', summary: hostile, blocks: [{ kind: 'text', text: hostile }] },
          ],
        },
      ],
    })
    expect(html).not.toMatch(/<script|<img src=x|alert\('1'\)/)
    expect(html.match(/<img /g)).toHaveLength(1)
    expect(html.match(/&lt;script&gt;alert\(&#39;1&#39;\)/g)).toHaveLength(20)
  })

  test('needs nothing else: no script, no request', async () => {
    const html = page([{ kind: 'chart', svg: '<svg xmlns="http://www.w3.org/2000/svg"/>', alt: 'a' }])
    expect(html).toContain(`default-src 'none'; style-src 'unsafe-inline'; img-src data:`)
    expect(html).not.toMatch(/<script|<link|@import|src="(?!data:)|url\(/)
  })

  test('a link that could run something is text', () => {
    const linked = (href: string) => bodyOf(page([{ kind: 'list', items: [{ text: 'x', href }] }])).includes('<a ')
    expect(linked('https://example.org/a')).toBe(true)
    expect(linked('#place')).toBe(true)
    expect(linked('javascript:alert(1)')).toBe(false)
    expect(linked(' javascript:alert(1)')).toBe(false)
    expect(linked('data:text/html,x')).toBe(false)
  })

  test('numbers stand at the right, with their heading', () => {
    const html = page([{ kind: 'table', columns: ['a', 'b'], rows: [['x', 3]] }])
    expect(html).toContain('<td class="number">3</td>')
    expect(html).toContain('<th scope="col" class="number">b</th>')
    expect(html).toContain('<td>x</td>')
  })
})

test('escapeHtml: markup and control characters', () => {
  expect(escapeHtml(`<a b="c" d='e'>&\u0000\u001b[31m\n`)).toBe(
    '&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\ufffd\ufffd[31m\n',
  )
})
