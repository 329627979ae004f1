import { expect, test } from 'vitest'
import { importMap, importsOf, modulesOf } from './browser-modules.ts'

test('what the client loads is its own, the contract, the parser of event streams and zod: nothing of Node or the server', async () => {
  const { paths, unresolved } = await modulesOf('@holdfast/client')
  expect(unresolved).toEqual([])
  expect(paths).toEqual(expect.arrayContaining(Object.values(importMap)))
  expect(paths.length).toBeGreaterThan(30)
  const folders = [
    '/packages/client/src/',
    '/packages/contracts/src/',
    '/node_modules/zod/',
    '/node_modules/eventsource-parser/',
  ]
  expect(paths.filter((path) => !folders.some((folder) => path.startsWith(folder)))).toEqual([])
})

test('imports are found in all their forms', () => {
  const source = `import a from 'a'
import { b,
  c } from "b"
import 'c'
export * from './d.js'
export { e } from 'e'
const f = await import('node:fs')
export const none = 'from "nowhere"'`
  expect(importsOf(source)).toEqual(['a', 'b', 'c', './d.js', 'e', 'node:fs'])
})
