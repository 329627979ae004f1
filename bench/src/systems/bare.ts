import { startServer } from '../servers/node-server.ts'
import { packageVersion } from '../versions.ts'
import type { Contender } from './system.ts'

export const bare: Contender = {
  id: 'bare',
  title: 'bare Fastify',
  setup:
    'One route that validates the same schema with zod and echoes. It ignores the key and keeps nothing: the floor.',
  versions: async () => `fastify ${packageVersion('fastify', 'bench')}, zod ${packageVersion('zod', 'bench')}`,
  keepsKeys: false,
  optional: false,
  async start() {
    const server = await startServer('bench/src/servers/bare-fastify.ts', (port) => ({ PORT: String(port) }))
    return { url: server.url, paths: { plain: '/api/order' }, servers: [server] }
  },
}
