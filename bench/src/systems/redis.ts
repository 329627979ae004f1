import { startProcess, freePort, type ServerProcess } from '../servers/process.ts'
import { packageVersion, programVersion } from '../versions.ts'
import { effectsFile, effectsOf, installPeers, runPeer, startPeer } from './peers.ts'
import { Unavailable, type Contender } from './system.ts'

/** Redis that acknowledges a write only when it is synced to the disk, as the others here do. */
async function startRedis(folder: string): Promise<ServerProcess & { readonly port: number }> {
  if ((await programVersion('redis-server')) === undefined)
    throw new Unavailable('redis-server is not installed (Debian: apt-get install redis-server)')
  const port = await freePort()
  const settings = { port, bind: '127.0.0.1', dir: folder, appendonly: 'yes', appendfsync: 'always', daemonize: 'no' }
  const server = await startProcess({
    command: 'redis-server',
    args: [...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]), '--save', ''],
    isReady: (line) => line.includes('Ready to accept connections'),
  })
  return { ...server, port }
}

function redisContender(
  id: string,
  options: { readonly title: string; readonly script: string; readonly setup: string },
): Contender {
  return {
    id,
    title: options.title,
    setup: options.setup,
    versions: async () =>
      `Redis ${(await programVersion('redis-server')) ?? 'unknown'}, node-redis ${packageVersion('redis', 'peers')}, fastify ${packageVersion('fastify', 'peers')}`,
    keepsKeys: true,
    optional: true,
    async start({ folder, besieged, stored }) {
      await installPeers()
      const redis = await startRedis(folder)
      const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` }
      if (stored !== undefined) await runPeer('redis-seed.ts', env, [stored.prefix, String(stored.keys)])
      const server = await startPeer(options.script, {
        ...env,
        ...effectsFile(folder, besieged),
      })
      const url = `http://127.0.0.1:${server.port}`
      return {
        url,
        paths: { plain: '/api/order' },
        otherPath: '/api/order-other',
        servers: [redis, server],
        ...(stored !== undefined && { stored: stored.keys }),
        effects: () => effectsOf(url),
      }
    },
  }
}

const redisSetup =
  'Redis with `appendonly yes`, `appendfsync always` (what it acknowledges is synced; its default syncs each second), no snapshots; the name of its key holds tenant and operation; Fastify, the same schema, `redis` for Node with one multiplexed connection, as its guide has it.'

export const redisRecipe = redisContender('redis-recipe', {
  title: 'Redis recipe',
  script: 'redis-recipe.ts',
  setup: `GET, process, SETEX of the response for a day, as the article has it; what fails is not recorded. ${redisSetup}`,
})

export const redisLocked = redisContender('redis-locked', {
  title: 'Redis recipe with a lock',
  script: 'redis-locked.ts',
  setup: `The same made safe: \`SET NX GET PX\` takes a lock of 10 s with a token of its own, or returns what is there; the response takes the lock's place by a script that compares the token; who finds a lock asks again each 10 ms; what fails lets go of the lock. ${redisSetup}`,
})
