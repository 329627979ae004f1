import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/** Package name → its folder from the root and its manifest, for every package, service and example. */
const workspaces = new Map(
  ['packages', 'services', 'examples'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => {
      const folder = `${parent}/${name}`
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest
      return [manifest.name, { folder, manifest }] as const
    }),
  ),
)

/** Folders of these workspaces and of all that they depend on at run time, sorted. */
function closure(names: readonly string[]): readonly string[] {
  const found = new Set(names)
  // A set's iteration goes on to what is added during it.
  for (const name of found) {
    for (const dependency of Object.keys(workspaces.get(name)?.manifest.dependencies ?? {})) {
      if (workspaces.has(dependency)) found.add(dependency)
    }
  }
  return [...found].map((name) => workspaces.get(name)?.folder ?? name).sort()
}

/** Folders whose `package.json` a stage of the Dockerfile copies, sorted. */
function manifestsIn(stage: string): readonly string[] {
  const stages = readFileSync(join(root, 'Dockerfile'), 'utf8').split(/^FROM /m)
  const text = stages.find((part) => part.split('\n', 1)[0]?.endsWith(` AS ${stage}`) ?? false) ?? ''
  return [...text.matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)].map(([, folder = '']) => folder).sort()
}

describe('the container image', () => {
  test('installs what services and examples depend on, and nothing else: no test part', () => {
    const roots = [...workspaces].filter(([, { folder }]) => !folder.startsWith('packages/')).map(([name]) => name)
    expect(manifestsIn('dependencies')).toEqual(closure(roots))
    expect(manifestsIn('dependencies')).not.toContain('packages/testing')
  })

  test('of the stand-in installs the test kit and what it depends on', () => {
    expect(manifestsIn('stand-in')).toEqual(closure(['@holdfast/testing']))
  })
})
