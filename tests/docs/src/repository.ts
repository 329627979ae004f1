import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The repository's root, absolute. */
export const root = resolve(import.meta.dirname, '../../..')

/** What is made or fetched, never written by us. */
const skipped = new Set(['node_modules', 'dist', 'data', 'target', 'coverage', 'results', '.git', '.turbo'])

function filesUnder(folder: string, matches: (name: string) => boolean): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesUnder(path, matches)
    return entry.isFile() && matches(entry.name) ? [path] : []
  })
}

/** Paths of all Markdown documents, from the root, sorted. */
export const documentPaths = (): readonly string[] => [...filesUnder('', (name) => name.endsWith('.md'))].sort()

/** Paths of all `package.json` files, from the root, sorted. */
export const manifestPaths = (): readonly string[] => [...filesUnder('', (name) => name === 'package.json')].sort()

export const readText = (path: string): string => readFileSync(join(root, path), 'utf8')
