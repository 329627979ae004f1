/**
 * Builds the package in the working directory for publishing: `dist/` gets JavaScript, declarations, and a manifest whose
 * exports name them. In the repository the exports name the sources, which Node runs by type stripping.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly scripts?: unknown
  readonly devDependencies?: unknown
}

const root = resolve(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
rmSync('dist', { recursive: true, force: true })
mkdirSync('dist')
const config = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: {
    outDir: resolve('dist'),
    rootDir: resolve('src'),
    declaration: true,
    sourceMap: true,
    rewriteRelativeImportExtensions: true,
    noEmit: false,
  },
  include: [resolve('src')],
  exclude: [resolve('src/**/*.test.ts')],
}
const configFile = resolve('dist', 'tsconfig.build.json')
writeFileSync(configFile, JSON.stringify(config))
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', configFile], { stdio: 'inherit' })
rmSync(configFile)

const built = (source: string): { readonly types: string; readonly default: string } => {
  const path = source.replace(/^\.\/src\//, './').replace(/\.ts$/, '')
  return { types: `${path}.d.ts`, default: `${path}.js` }
}
const { scripts: _scripts, devDependencies: _devDependencies, ...published } = manifest
const exports = Object.fromEntries(Object.entries(manifest.exports).map(([name, source]) => [name, built(source)]))
const bin = Object.fromEntries(
  Object.entries(manifest.bin ?? {}).map(([name, source]) => [name, built(source).default]),
)
const distManifest = { ...published, exports, ...(manifest.bin && { bin }) }
writeFileSync(join('dist', 'package.json'), `${JSON.stringify(distManifest, null, 2)}\n`)
for (const file of ['README.md']) if (existsSync(file)) copyFileSync(file, join('dist', file))
copyFileSync(join(root, 'LICENSE'), join('dist', 'LICENSE'))
