/** `npm run docs`: writes the pages that are generated from the code. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { generatedPages } from './generated-pages.ts'

const root = resolve(import.meta.dirname, '..')
for (const [path, text] of generatedPages()) {
  writeFileSync(join(root, path), text)
  console.log(path)
}
