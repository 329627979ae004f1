import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nodeEnvironment, nodeFlags } from '../servers/node-server.ts'
import { freePort, startProcess, type ServerProcess } from '../servers/process.ts'
import { Unavailable } from './system.ts'

const run = promisify(execFile)
/** Its packages are locked and installed apart: nobody but the benchmark needs them. */
export const peersFolder = join(import.meta.dirname, '../../peers')
const installTimeoutMs = 240_000

let installed: Promise<void> | undefined

/** Installs the peers' packages, unless they are there and as new as their lock file. @throws Unavailable */
export function installPeers(): Promise<void> {
  installed ??= install()
  return installed
}

async function install(): Promise<void> {
  const lock = join(peersFolder, 'package-lock.json')
  const mark = join(peersFolder, 'node_modules/.package-lock.json')
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return
  console.log('installing bench/peers …')
  const npm = process.env['npm_execpath']
  const args = ['ci', '--prefix', peersFolder, '--ignore-scripts', '--no-audit', '--no-fund']
  try {
    await (npm === undefined
      ? run('npm', args, { timeout: installTimeoutMs })
      : run(process.execPath, [npm, ...args], { timeout: installTimeoutMs }))
  } catch (error) {
    throw new Unavailable(`its packages could not be installed (npm ci --prefix bench/peers): ${firstLine(error)}`)
  }
}

const firstLine = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)

/** Starts a server of `bench/peers/src` on a free port, with V8's flags as every other. */
export async function startPeer(
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess & { readonly port: number }> {
  const port = await freePort()
  const server = await startProcess({
    command: process.execPath,
    args: [...nodeFlags(), join(peersFolder, 'src', script)],
    env: { ...nodeEnvironment(), ...env, PORT: String(port), NODE_ENV: 'production' },
    isReady: (line) => line === 'ready',
  })
  return { ...server, port }
}

/** Runs a program of `bench/peers/src` to its end. @throws Error when it fails */
export async function runPeer(
  script: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<void> {
  await run(process.execPath, [join(peersFolder, 'src', script), ...args], { env: { ...process.env, ...env } })
}

/** The setting that makes a peer count its effects in a file of this folder, across restarts. */
export function effectsFile(folder: string, wanted = false): Readonly<Record<string, string>> {
  return wanted ? { EFFECTS_FILE: join(folder, 'effects') } : {}
}

/** `GET /effects` of a peer's server: how often the work was really done. */
export async function effectsOf(url: string): Promise<number> {
  return Number(await (await fetch(`${url}/effects`)).text())
}
