import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { problem } from '@holdfast/contracts'
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

/** A stage of the Dockerfile, from its name on. */
function stageText(stage: string): string {
  const stages = readFileSync(join(root, 'Dockerfile'), 'utf8').split(/^FROM /m)
  return stages.find((part) => part.split('\n', 1)[0]?.endsWith(` AS ${stage}`) ?? false) ?? ''
}

/** Folders whose `package.json` a stage copies, sorted. */
const manifestsIn = (stage: string): readonly string[] =>
  [...stageText(stage).matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)].map(([, folder = '']) => folder).sort()

describe('the container image', () => {
  test('installs what services and examples depend on, and nothing else: no test part', () => {
    const roots = [...workspaces].filter(([, { folder }]) => !folder.startsWith('packages/')).map(([name]) => name)
    expect(manifestsIn('dependencies')).toEqual(closure(roots))
    expect(manifestsIn('dependencies')).not.toContain('packages/testing')
  })

  test('of the stand-in installs the test kit and what it depends on', () => {
    expect(manifestsIn('stand-in')).toEqual(closure(['@holdfast/testing']))
  })

  test('installs again only when a manifest changes: `npm ci` comes before any source', () => {
    for (const stage of ['dependencies', 'stand-in']) {
      const [beforeInstall = ''] = stageText(stage).split(/^RUN .*\n.*npm ci/m)
      const copied = [...beforeInstall.matchAll(/^COPY (.+)$/gm)].flatMap(([, line = '']) =>
        line.split(' ').slice(0, -1),
      )
      expect(copied.length).toBeGreaterThan(2)
      expect(copied.filter((path) => !/(^|\/)package(-lock)?\.json$/.test(path))).toEqual([])
    }
  })

  test('starts each service as its npm script does, with the same flags of V8', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>
    }
    const words = (name: string): readonly string[] =>
      (scripts[name] ?? '').split(' ').filter((word) => !/^[A-Z_]+=/.test(word))
    const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
    const commands = [...compose.matchAll(/^ {2}command: \[(.+)\]$/gm)].map(([, list = '']) =>
      [...list.matchAll(/'([^']+)'/g)].map(([, word = '']) => word),
    )
    expect(commands).toEqual(['gateway', 'handler', 'projector'].map(words))
    const [, command = ''] = /^CMD (.+)$/m.exec(stageText('services')) ?? []
    expect(JSON.parse(command)).toEqual(words('start'))
  })

  test('the last stages run as a user without rights', () => {
    for (const stage of ['services', 'stand-in']) expect(stageText(stage)).toMatch(/^USER node$/m)
  })
})

test('the proxy says what a gateway says that cannot serve', () => {
  const said = JSON.parse(readFileSync(join(root, 'infra/docker/unavailable.json'), 'utf8')) as {
    readonly detail: string
  }
  expect(said).toEqual(problem('unavailable', { detail: said.detail, instance: '%[unique-id]' }))
})
