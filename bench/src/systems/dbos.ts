import { packageVersion } from '../versions.ts'
import { effectsFile, effectsOf, installPeers, startPeer } from './peers.ts'
import { postgresVersion, runSql, startPostgres } from './postgres.ts'
import { orderBody, type Contender, type Stored } from './system.ts'

export const dbos: Contender = {
  id: 'dbos',
  title: 'DBOS Transact',
  setup:
    "`@dbos-inc/dbos-sdk` on PostgreSQL with PostgreSQL's own settings (`fsync` and `synchronous_commit` on, read committed); its default pool of 10 connections (20 made no difference); behind Fastify, the same schema; tenant and key are the workflow's id, each step a `DBOS.runStep`, the answer is the workflow's result.",
  versions: async () => `DBOS ${packageVersion('@dbos-inc/dbos-sdk', 'peers')}, PostgreSQL ${await postgresVersion()}`,
  keepsKeys: true,
  optional: true,
  async start({ folder, besieged, stored }) {
    await installPeers()
    const postgres = await startPostgres(folder)
    try {
      const server = await startPeer('dbos-app.ts', {
        DBOS_SYSTEM_DATABASE_URL: postgres.url,
        ...effectsFile(folder, besieged),
      })
      const url = `http://127.0.0.1:${server.port}`
      if (stored !== undefined) await fill(url, postgres.url, stored)
      return {
        url,
        paths: { 'one step': '/api/order-one', 'three steps': '/api/order-three' },
        servers: [postgres, server],
        ...(stored !== undefined && { stored: stored.keys }),
        effects: () => effectsOf(url),
      }
    } catch (error) {
      await postgres.stop()
      throw error
    }
  },
}

/** Has one order placed, and copies all that DBOS has written for it under the other ids. */
async function fill(url: string, database: string, { prefix, keys }: Stored): Promise<void> {
  const first = await fetch(`${url}/api/order-one`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `${prefix}-0-1` },
    body: orderBody,
  })
  if (first.status !== 201) throw new Error(`the first order was answered ${first.status}`)
  // A workflow's id is `<tenant>/<key>`, and measured is without a tenant.
  const id = `default/${prefix}-0-`
  const copy = `DO $copy$
    DECLARE name text; columns text;
    BEGIN
      FOR name IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'dbos' AND column_name = 'workflow_uuid' LOOP
        SELECT string_agg(quote_ident(column_name), ', ') INTO columns FROM information_schema.columns
          WHERE table_schema = 'dbos' AND table_name = name AND column_name <> 'workflow_uuid';
        EXECUTE format('INSERT INTO dbos.%I (workflow_uuid, %s) SELECT %L || number, %s FROM dbos.%I, generate_series(2, ${keys}) number WHERE workflow_uuid = %L',
          name, columns, '${id}', columns, name, '${id}1');
      END LOOP;
    END $copy$`
  // As after any bulk load: otherwise autovacuum and the checkpoint would run beside what is measured.
  await runSql(database, [copy, 'VACUUM ANALYZE', 'CHECKPOINT'])
}
