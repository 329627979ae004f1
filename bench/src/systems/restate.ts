import { existsSync } from 'node:fs'
import { arch, platform } from 'node:process'
import { join } from 'node:path'
import { fire } from '../load/volley.ts'
import { freePort, startProcess } from '../servers/process.ts'
import { packageVersion } from '../versions.ts'
import { effectsFile, effectsOf, installPeers, peersFolder, startPeer } from './peers.ts'
import { orderBody, Unavailable, type Contender, type Stored } from './system.ts'

export const restate: Contender = {
  id: 'restate',
  title: 'Restate',
  setup:
    "`@restatedev/restate-server` as one node with its default settings (24 partitions, replication 1, RocksDB's log synced), only its ports and its telemetry set; a service of its TypeScript SDK in a process of its own, each step a `ctx.run`; called through the ingress with `idempotency-key`, which knows services and handlers but no tenants, and answers replays itself: they reach neither the service nor the schema.",
  versions: async () =>
    `restate-server ${packageVersion('@restatedev/restate-server', 'peers')}, SDK ${packageVersion('@restatedev/restate-sdk', 'peers')}`,
  keepsKeys: true,
  optional: true,
  async start({ folder, besieged, stored }) {
    await installPeers()
    const program = join(peersFolder, `node_modules/@restatedev/restate-server-${platform}-${arch}/bin/restate-server`)
    if (!existsSync(program)) throw new Unavailable(`there is no restate-server for ${platform}-${arch}`)
    const [node, ingress, admin, effects] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    const server = await startProcess({
      command: program,
      args: ['--no-logo', '--base-dir', join(folder, 'restate'), '--listen-mode', 'tcp'],
      env: {
        RESTATE_BIND_IP: '127.0.0.1',
        RESTATE_BIND_PORT: String(node),
        RESTATE_INGRESS__BIND_PORT: String(ingress),
        RESTATE_ADMIN__BIND_PORT: String(admin),
        RESTATE_DISABLE_TELEMETRY: 'true',
        RESTATE_LOG_DISABLE_ANSI_CODES: 'true',
      },
      isReady: (line) => line.includes('Admin API starting'),
    })
    try {
      const service = await startPeer('restate-service.ts', {
        EFFECTS_PORT: String(effects),
        ...effectsFile(folder, besieged),
      })
      await register(`http://127.0.0.1:${admin}`, `http://127.0.0.1:${service.port}`)
      const url = `http://127.0.0.1:${ingress}`
      return {
        url,
        paths: { 'one step': '/orders/one', 'three steps': '/orders/three' },
        ...(stored !== undefined && { stored: await fill(url, stored) }),
        servers: [server, service],
        effects: () => effectsOf(`http://127.0.0.1:${effects}`),
      }
    } catch (error) {
      await server.stop()
      throw error
    }
  },
}

/** Tells the server where the service is. It may still be electing its leader: it is asked again for a while. */
async function register(admin: string, uri: string): Promise<void> {
  const body = JSON.stringify({ uri })
  for (let time = 1; ; time++) {
    const response = await fetch(`${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).catch((error: unknown) => new Response(String(error), { status: 503 }))
    if (response.ok) return
    if (time === 60) throw new Error(`restate-server did not take the service: ${await response.text()}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** More at one time are no faster. */
const fillConnections = 128

/** Only Restate itself can write its log: through the ingress, as many as there is time for. */
async function fill(url: string, { prefix, keys, withinMs }: Stored): Promise<number> {
  const until = performance.now() + withinMs
  let number = 0
  const next = (): string | undefined =>
    number < keys && performance.now() < until ? `${prefix}-0-${++number}` : undefined
  const { statuses } = await fire({ url, path: '/orders/one', body: orderBody, connections: fillConnections, next })
  if (Object.keys(statuses).some((status) => status !== '200'))
    throw new Error(`not all orders were recorded: ${JSON.stringify(statuses)}`)
  return number
}
