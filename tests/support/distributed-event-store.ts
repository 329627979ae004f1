import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FaultRule } from '@holdfast/testing/eventstore-stand-in'
import { temporaryFolder, until } from '@holdfast/testing/processes'

/** What a cluster needs of its event store. */
export interface ClusterEventStore extends AsyncDisposable {
  /** For the client: `esdb://…`. */
  readonly url: string
}

/** Numbers that the stand-in tells of itself. */
export interface StandInStatus {
  readonly pendingFaults: number
  readonly batchAppends: number
  readonly unaryAppends: number
  readonly reads: number
}

/** The stand-in as a process of its own, which can die. Its data and ports are the same for all its lives. */
export interface StandInProcess extends ClusterEventStore {
  /** Lets coming requests go wrong, in the present life. */
  inject(...rules: readonly FaultRule[]): Promise<void>
  clearFaults(): Promise<void>
  status(): Promise<StandInStatus>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** A new process on the same data and ports; resolves when it serves. */
  restart(): Promise<void>
  /** Resolves when the present process has ended, for whatever reason. */
  died(): Promise<void>
}

const entry = fileURLToPath(new URL('../../packages/testing/src/eventstore-stand-in/main.ts', import.meta.url))
const readyTimeoutMs = 30_000

interface Life {
  readonly child: ChildProcess
  readonly gone: Promise<unknown>
  readonly url: string
  readonly controlUrl: string
}

/** Starts the stand-in as a process, with data of its own. Disposing it kills it and deletes the data. */
export async function startStandInProcess(): Promise<StandInProcess> {
  const folder = await temporaryFolder('holdfast-stand-in')
  const dataFile = join(folder.path, 'events.log')
  let life = await live(dataFile, { port: '0', controlPort: '0' }).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]()
    throw error
  })
  const ports = {
    port: new URL(life.url.replace('esdb:', 'http:')).port,
    controlPort: new URL(life.controlUrl).port,
  }
  const control = async (method: string, route: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${life.controlUrl}${route}`, { method, ...(body && { body: JSON.stringify(body) }) })
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const kill = async (): Promise<void> => {
    life.child.kill('SIGKILL')
    await life.gone
  }
  return {
    url: life.url,
    async inject(...rules) {
      for (const rule of rules) await control('POST', '/faults', rule)
    },
    async clearFaults() {
      await control('DELETE', '/faults')
    },
    status: async () => (await control('GET', '/status')) as StandInStatus,
    kill,
    async restart() {
      await life.gone
      life = await live(dataFile, ports)
    },
    async died() {
      await life.gone
    },
    async [Symbol.asyncDispose]() {
      await kill()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function live(
  dataFile: string,
  { port, controlPort }: { readonly port: string; readonly controlPort: string },
): Promise<Life> {
  const args = [entry, '--port', port, '--data', dataFile, '--control-port', controlPort]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  const gone = once(child, 'exit')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => (output += `${line}\n`))
  }
  try {
    const [, url = '', controlUrl = ''] = await until(
      () => {
        if (child.exitCode !== null) throw new Error(`the stand-in ended: ${output}`)
        return /ready at (esdb:\S+), control (http:\S+)/.exec(output) ?? undefined
      },
      { what: 'the stand-in serves', timeoutMs: readyTimeoutMs },
    )
    return { child, gone, url, controlUrl }
  } catch (error) {
    child.kill('SIGKILL')
    await gone
    throw error
  }
}
