import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { peakMemoryMbOf } from '../process-tree.ts'
import { freePort, startProcess, type ServerProcess } from './process.ts'

const root = resolve(import.meta.dirname, '../../..')

/** V8's flags of `npm start`; every server in Node that is measured gets the same, those of others too. */
export const nodeFlags = (): readonly string[] => wordsOfStart().filter((word) => word.startsWith('--'))

/** The environment of `npm start`, likewise. */
export const nodeEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    wordsOfStart()
      .map((word) => /^([A-Z_]+)=(.*)$/.exec(word))
      .filter((match) => match !== null)
      .map(([, name = '', value = '']) => [name, value]),
  )

function wordsOfStart(): readonly string[] {
  const { scripts } = z
    .object({ scripts: z.object({ start: z.string() }) })
    .parse(JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')))
  return scripts.start.split(' ')
}

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
    args: [...nodeFlags(), resolve(root, script)],
    cwd: root,
    env: { ...nodeEnvironment(), ...environment(port) },
    isReady: (line) => line.includes('ready'),
  })
  return { ...server, url: `http://127.0.0.1:${port}`, peakMemoryMb: () => peakMemoryMbOf(server.pid()) }
}
