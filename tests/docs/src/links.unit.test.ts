import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseMarkdown, type Link } from './markdown.ts'
import { documentPaths, manifestPaths, readText, root } from './repository.ts'

const external = /^[a-z][a-z0-9+.-]*:/i
/** The folders whose paths are checked where a document names them as code. */
const inlinePath = /^(?:packages|services|examples|tests|docs|infra|scripts|bench)\/[\w./-]+$/

/** What is wrong with a link, or undefined. */
function fault(path: string, { text, target }: Link): string | undefined {
  if (external.test(target)) return undefined
  const [file = '', anchor] = target.split('#')
  const absolute = file === '' ? join(root, path) : join(root, dirname(path), decodeURIComponent(file))
  if (!existsSync(absolute)) return `there is no ${target}`
  if (anchor !== undefined && !parseMarkdown(readFileSync(absolute, 'utf8')).anchors.has(anchor))
    return `${file === '' ? 'the document' : file} has no heading #${anchor}`
  // A link from a test's name to its file: the file must have a test of that name.
  const names = target.endsWith('.ts') && !text.includes('`') && text !== basename(target)
  if (names && statSync(absolute).isFile() && !readFileSync(absolute, 'utf8').replaceAll('\\', '').includes(text))
    return `${target} has no test named "${text}"`
  return undefined
}

describe.each(documentPaths())('%s', (path) => {
  const { links, code } = parseMarkdown(readText(path))

  test('every relative link leads somewhere; one from a test’s name leads to that test', () => {
    const faults = links.flatMap((link) => {
      const found = fault(path, link)
      return found === undefined ? [] : [`${path}:${link.line}: ${found}`]
    })
    expect(faults).toEqual([])
  })

  test('every path of the repository that it names exists', () => {
    const missing = code.filter(({ text }) => inlinePath.test(text) && !existsSync(join(root, text)))
    expect(missing.map(({ text, line }) => `${path}:${line}: ${text}`)).toEqual([])
  })
})

describe('the index', () => {
  const targets = (path: string): readonly string[] => parseMarkdown(readText(path)).links.map(({ target }) => target)

  test('docs/README.md links every page of docs/', () => {
    const pages = documentPaths().filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== 'docs/README.md')
    const linked = targets('docs/README.md')
    expect(pages.length).toBeGreaterThan(5)
    expect(pages.filter((path) => !linked.includes(basename(path)))).toEqual([])
  })

  test('docs/decisions/README.md links every decision; numbers are used once', () => {
    const decisions = documentPaths().filter((path) => /^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/.test(path))
    const linked = targets('docs/decisions/README.md')
    expect(decisions.length).toBeGreaterThan(5)
    expect(decisions.filter((path) => !linked.includes(basename(path)))).toEqual([])
    const numbers = decisions.map((path) => basename(path).slice(0, 4))
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  test('every decision has its four parts', () => {
    const parts = ['Context', 'Decision', 'Consequences', 'Alternatives']
    const incomplete = documentPaths()
      .filter((path) => /^docs\/decisions\/\d{4}-/.test(path))
      .filter((path) => {
        const { headings } = parseMarkdown(readText(path))
        return parts.some((part) => !headings.includes(part))
      })
    expect(incomplete).toEqual([])
  })

  test('every package, service and example has a README', () => {
    const folders = manifestPaths()
      .map((path) => dirname(path))
      .filter((folder) => /^(?:packages|services|examples)\/[^/]+$/.test(folder))
    expect(folders.length).toBeGreaterThan(5)
    expect(folders.filter((folder) => !existsSync(join(root, folder, 'README.md')))).toEqual([])
  })
})
