import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

/**
 * Loopback TCP ports that nothing listens on, all different. Another process may still take one before it is used: the
 * caller that binds it retries with new ones.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = []
  try {
    // All are held until the last is known, so that the system cannot give the same port twice.
    for (let n = 0; n < count; n++) servers.push(await listen())
    return servers.map((server) => (server.address() as AddressInfo).port)
  } finally {
    for (const server of servers) server.close()
  }
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}
