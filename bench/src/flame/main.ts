/** `npm run flame`: where the event loop's time goes under load, as flame graphs in `docs/flame`. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { putLoad, type Load } from '../load/wrk.ts'
import { nodeFlags } from '../servers/node-server.ts'
import { freePort, startProcess } from '../servers/process.ts'
import { cpuProfile, flameGraph } from './flame-graph.ts'

const root = resolve(import.meta.dirname, '../../..')
const connections = 64
const seconds = 8
const warmUpSeconds = 3
const replayedKeys = 5_000

/** The profile of the embedded runtime's main thread under one load, after it has warmed up. */
async function profileOf(mode: Load['mode']): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-flame-'))
  const profile = join(folder, 'profile.json')
  const port = await freePort()
  const server = await startProcess({
    command: process.execPath,
    args: [
      ...nodeFlags(),
      '--import',
      join(import.meta.dirname, 'profiler.ts'),
      resolve(root, 'services/standalone/src/main.ts'),
    ],
    cwd: root,
    env: {
      HOLDFAST_PORT: String(port),
      HOLDFAST_DATA_DIR: join(folder, 'data'),
      HOLDFAST_APP: resolve(root, 'bench/src/servers/app.ts'),
      FLAME_PROFILE: profile,
    },
    isReady: (line) => line.includes('ready'),
  })
  try {
    const order = { path: '/api/order', body: '{"product_id":"abc","quantity":2}', connections }
    const load = { ...order, url: `http://127.0.0.1:${port}`, prefix: 'warm', seconds: warmUpSeconds }
    const warm = await putLoad({ ...load, mode: 'fresh' })
    const keys = Math.min(replayedKeys, warm.requests - connections)
    if (mode === 'replay') await putLoad({ ...load, mode, keys })
    process.kill(server.pid(), 'SIGUSR2')
    await putLoad(mode === 'replay' ? { ...load, mode, keys, seconds } : { ...load, mode, seconds, prefix: 'profiled' })
    process.kill(server.pid(), 'SIGUSR2')
    return JSON.parse(await fileAt(profile))
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The text of a file that is about to be there. */
async function fileAt(path: string): Promise<string> {
  for (let time = 1; ; time++) {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (time === 100) throw error
      await setTimeout(100)
    }
  }
}

await mkdir(resolve(root, 'docs/flame'), { recursive: true })
for (const mode of ['fresh', 'replay'] as const) {
  const svg = flameGraph(cpuProfile.parse(await profileOf(mode)), `npm start, ${mode} keys, ${connections} connections`)
  const file = `docs/flame/${mode}.svg`
  await writeFile(resolve(root, file), svg)
  console.log(file)
}
