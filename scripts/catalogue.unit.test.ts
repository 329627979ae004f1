import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { errorCatalogue, isErrorCode } from '@holdfast/contracts'
import { describe, expect, test } from 'vitest'
import { generatedPages } from './generated-pages.ts'

const root = resolve(import.meta.dirname, '..')

const sources = ['packages', 'services'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\/src\/.*\.ts$/.test(path) && !path.includes('node_modules') && !path.endsWith('.test.ts'))
    .map((path) => join(folder, path)),
)

describe('the error catalogue', () => {
  test.each([...generatedPages()])('%s is what the code generates (npm run docs)', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text)
  })

  test('every code that is answered stands in the catalogue', () => {
    const edge = sources.filter((path) => path.startsWith('services/') || path.startsWith('packages/core/'))
    const thrown = edge.flatMap((path) =>
      [
        ...readFileSync(join(root, path), 'utf8').matchAll(
          /new ProblemError\(\s*'([a-z-]+)'|kind: 'refused', code: '([a-z-]+)'|\bproblem\('([a-z-]+)'/g,
        ),
      ].map((match) => match[1] ?? match[2] ?? match[3] ?? ''),
    )
    expect(thrown.length).toBeGreaterThan(10)
    expect(thrown.filter((code) => !isErrorCode(code))).toEqual([])
  })

  test('every code of the catalogue is answered somewhere', () => {
    const texts = sources
      .filter((path) => !path.endsWith('contracts/src/errors.ts'))
      .map((path) => readFileSync(join(root, path), 'utf8'))
    const answered = (code: string): boolean =>
      texts.some((text) => text.includes(`'${code}'`) || text.includes(`${code}:`))
    expect(Object.keys(errorCatalogue).filter((code) => !answered(code))).toEqual([])
  })
})
