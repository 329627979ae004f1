import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, '..')

/** What each package asks for, in the manifests' own words: development too, as `turbo` reads them. */
const manifests = new Map(
  globSync('packages/*/package.json', { cwd: root })
    .map((path) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest)
    .map(({ name, dependencies, devDependencies }) => [name, Object.keys({ ...dependencies, ...devDependencies })]),
)

test('`npm run build` has an order: no package needs itself, not by way of what its tests need either', () => {
  expect(manifests.size).toBeGreaterThan(10)
  const built = new Set<string>()
  for (let before = -1; before < built.size;) {
    before = built.size
    for (const [name, needs] of manifests)
      if (needs.every((need) => !manifests.has(need) || built.has(need))) built.add(name)
  }
  expect([...manifests.keys()].filter((name) => !built.has(name))).toEqual([])
})
