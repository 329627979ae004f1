import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { peakMemoryMbOf } from '../process-tree.ts'
import { freePort, startProcess, type ServerProcess } from './process.ts'

const root = resolve(import.meta.dirname, '../../..')

/** V8's flags of `npm start`; every server in Node that is measured beside it gets the same, those of others too. */
export const nodeFlags = (): readonly string[] => flagsOf(scripts().start)

/** The environment of `npm start`, likewise. */
export const nodeEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    scripts()
      .start.split(' ')
      .map((word) => /^([A-Z_]+)=(.*)$/.exec(word))
      .filter((match) => match !== null)
      .map(([, name = '', value = '']) => [name, value]),
  )

/** V8's flags of the program's own npm script; where it has none, those of `npm start`. */
function flagsFor(program: string): readonly string[] {
  const { start, ...others } = scripts()
  return flagsOf(Object.values(others).find((script) => script.split(' ').at(-1) === program) ?? start)
}

const flagsOf = (script: string): readonly string[] => script.split(' ').filter((word) => word.startsWith('--'))

const packageJson = z.object({ scripts: z.object({ start: z.string() }).catchall(z.string()) })

const scripts = (): z.infer<typeof packageJson>['scripts'] =>
  packageJson.parse(JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'))).scripts

export interface NodeServer extends ServerProcess {
  readonly url: string
  /** Its highest resident memory, MiB. */
  peakMemoryMb(): number
}

/** Starts a program of this repository on a free port and waits for the line that has `ready` in it. */
export async function startServer(
  script: string,
  environment: (port: number) => Record<string, string>,
): Promise<NodeServer> {
  const port = await freePort()
  const server = await startProcess({
    command: process.execPath,
    args: [...flagsFor(script), resolve(root, script)],
    cwd: root,
    env: { ...nodeEnvironment(), ...environment(port) },
    isReady: (line) => line.includes('ready'),
  })
  return { ...server, url: `http://127.0.0.1:${port}`, peakMemoryMb: () => peakMemoryMbOf(server.pid()) }
}
