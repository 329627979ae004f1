import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** Everything that the client's main entry may load by name, as a browser finds it: an import map, below the repository. */
export const importMap = {
  '@holdfast/client': '/packages/client/src/index.ts',
  '@holdfast/contracts': '/packages/contracts/src/index.ts',
  'eventsource-parser': '/node_modules/eventsource-parser/dist/index.js',
  zod: '/node_modules/zod/index.js',
} as const

/** A module as a browser takes it: without types. @param path below the repository, with a leading slash */
export async function browserModule(path: string): Promise<string> {
  const source = await readFile(join(root, path), 'utf8')
  return path.endsWith('.ts') ? stripTypeScriptTypes(source) : source
}

/** What a module imports, statically or not: `./a.ts`, `zod`, … */
export const importsOf = (source: string): readonly string[] =>
  [
    ...source.matchAll(
      /^\s*(?:import|export)\s+(?:[\w$*{}\s,]+?\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? '')

/** Every module that a browser loads for an entry of the import map, and the names that it cannot resolve. */
export async function modulesOf(entry: keyof typeof importMap): Promise<{
  readonly paths: readonly string[]
  readonly unresolved: readonly string[]
}> {
  const paths = new Set<string>()
  const unresolved = new Set<string>()
  const load = async (path: string): Promise<void> => {
    if (paths.has(path)) return
    paths.add(path)
    for (const name of importsOf(await browserModule(path))) {
      if (name.startsWith('.')) await load(join(dirname(path), name))
      else if (Object.hasOwn(importMap, name)) await load(importMap[name as keyof typeof importMap])
      else unresolved.add(`${path}: ${name}`)
    }
  }
  await load(importMap[entry])
  return { paths: [...paths], unresolved: [...unresolved] }
}
