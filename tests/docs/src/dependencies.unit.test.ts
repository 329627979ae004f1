import { describe, expect, test } from 'vitest'
import { parseMarkdown } from './markdown.ts'
import { manifestPaths, readText } from './repository.ts'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Name of every direct dependency that is not ours → versions, over all manifests. */
function directDependencies(): ReadonlyMap<string, ReadonlySet<string>> {
  const versions = new Map<string, Set<string>>()
  for (const path of manifestPaths()) {
    const manifest = JSON.parse(readText(path)) as Manifest
    const kinds = [
      manifest.dependencies,
      manifest.devDependencies,
      manifest.optionalDependencies,
      manifest.peerDependencies,
    ]
    for (const [name, version] of kinds.flatMap((kind) => Object.entries(kind ?? {}))) {
      if (name.startsWith('@holdfast/')) continue
      versions.set(name, (versions.get(name) ?? new Set()).add(version))
    }
  }
  return versions
}

describe('docs/dependencies.md', () => {
  const dependencies = directDependencies()
  const { headings } = parseMarkdown(readText('docs/dependencies.md'))
  const entries = headings.filter((heading) => heading.startsWith('`')).map((heading) => heading.replaceAll('`', ''))

  test('has an entry for every direct dependency', () => {
    expect(dependencies.size).toBeGreaterThan(10)
    expect([...dependencies.keys()].filter((name) => !entries.includes(name))).toEqual([])
  })

  test('has no entry for what is no dependency, and none twice', () => {
    expect(entries.filter((name) => !dependencies.has(name))).toEqual([])
    expect(new Set(entries).size).toBe(entries.length)
  })

  test('a dependency has one version in the whole repository, and it is exact', () => {
    const loose = [...dependencies].filter(
      ([, versions]) => versions.size > 1 || [...versions].some((version) => !/^\d+\.\d+\.\d+$/.test(version)),
    )
    expect(loose.map(([name, versions]) => `${name}: ${[...versions].join(', ')}`)).toEqual([])
  })
})
