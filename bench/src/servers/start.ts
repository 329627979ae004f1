import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../../..')
/** As in the scripts of package.json; the same for every server that is measured. */
const flags = ['--max-semi-space-size=24', '--heap-growing-percent=40', '--v8-pool-size=1']

export interface Server {
  readonly url: string
  /** Resident memory now and at its highest, MiB. */
  memory(): { readonly nowMb: number; readonly peakMb: number }
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Starts a program of this repository and waits for the line that has `ready` in it. */
export async function startServer(
  script: string,
  environment: (port: number) => Record<string, string>,
): Promise<Server> {
  const port = await freePort()
  const child = spawn(process.execPath, [...flags, resolve(root, script)], {
    cwd: root,
    env: { ...process.env, NODE_COMPILE_CACHE: 'node_modules/.cache/node-compile-cache', ...environment(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await ready(child, script)
  return {
    url: `http://127.0.0.1:${port}`,
    memory: () => memoryOf(child.pid ?? 0),
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

async function ready(child: ChildProcess, script: string): Promise<void> {
  if (child.stdout === null) throw new Error('the child has no output')
  const lines = createInterface({ input: child.stdout })
  const started = new Promise<void>((resolveReady, reject) => {
    lines.on('line', (line) => {
      if (line.includes('ready')) resolveReady()
    })
    child.once('exit', (code) => {
      reject(new Error(`${script} ended with ${code} before it was ready`))
    })
  })
  await started
}

function memoryOf(pid: number): { readonly nowMb: number; readonly peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mb = (field: string): number =>
    Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
  return { nowMb: mb('VmRSS'), peakMb: mb('VmHWM') }
}
