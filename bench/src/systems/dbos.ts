import { packageVersion } from '../versions.ts'
import { effectsFile, effectsOf, installPeers, startPeer } from './peers.ts'
import { postgresVersion, startPostgres } from './postgres.ts'
import type { Contender } from './system.ts'

export const dbos: Contender = {
  id: 'dbos',
  title: 'DBOS Transact',
  setup:
    "`@dbos-inc/dbos-sdk` on PostgreSQL with PostgreSQL's own settings (`fsync` and `synchronous_commit` on, read committed); its default pool of 10 connections (20 made no difference); behind Fastify, the same schema; tenant and key are the workflow's id, each step a `DBOS.runStep`, the answer is the workflow's result.",
  versions: async () => `DBOS ${packageVersion('@dbos-inc/dbos-sdk', 'peers')}, PostgreSQL ${await postgresVersion()}`,
  keepsKeys: true,
  optional: true,
  async start({ folder, besieged }) {
    await installPeers()
    const postgres = await startPostgres(folder)
    try {
      const server = await startPeer('dbos-app.ts', {
        DBOS_SYSTEM_DATABASE_URL: postgres.url,
        ...effectsFile(folder, besieged),
      })
      const url = `http://127.0.0.1:${server.port}`
      return {
        url,
        paths: { 'one step': '/api/order-one', 'three steps': '/api/order-three' },
        servers: [postgres, server],
        effects: () => effectsOf(url),
      }
    } catch (error) {
      await postgres.stop()
      throw error
    }
  },
}
