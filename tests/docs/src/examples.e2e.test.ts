import { expect, test } from 'vitest'
import { isRunnable, runDocument } from './document-runner.ts'
import { parseMarkdown } from './markdown.ts'
import { documentPaths, readText } from './repository.ts'
import { typeCheck } from './type-check.ts'

const documents = documentPaths().map((path) => ({ path, markdown: parseMarkdown(readText(path)) }))
const runnable = documents.filter(({ markdown }) => markdown.blocks.some(isRunnable))

test('README.md has commands that can be run, and shows what they print', () => {
  const readme = documents.find(({ path }) => path === 'README.md')?.markdown.blocks ?? []
  const shown = readme.filter((block, at) => isRunnable(block) && readme[at + 1]?.language === 'text')
  expect(shown.filter(({ language }) => language === 'sh').length).toBeGreaterThan(0)
})

test('the code in the documents type-checks', async () => {
  const modules = runnable.flatMap(({ path, markdown }) =>
    markdown.blocks
      .filter((block) => block.language === 'ts' && isRunnable(block))
      .map(({ text, line }) => ({ name: `${path.replace(/\.md$/, '').replaceAll('/', '-')}-${line}.ts`, text })),
  )
  expect(modules.length).toBeGreaterThan(0)
  expect(await typeCheck(modules)).toBe('')
})

test.each(runnable)('what $path shows is what its code does', async ({ path, markdown }) => {
  expect(await runDocument(path, markdown)).toEqual([])
})
