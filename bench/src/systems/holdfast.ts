import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { seedStore } from '../seed.ts'
import { startServer, type NodeServer } from '../servers/node-server.ts'
import { sqliteVersion } from '../versions.ts'
import { tenants, type Contender } from './system.ts'

export const holdfastPaths = {
  plain: '/api/order',
  'one step': '/api/order-one',
  'three steps': '/api/order-three',
} as const

/** The settings that make a service ask for the API keys of both tenants. */
export const apiKeys = (wanted = false): Readonly<Record<string, string>> =>
  wanted
    ? {
        HOLDFAST_API_KEYS: Object.entries(tenants)
          .map(([tenant, { authorization }]) => `${tenant}=${authorization.replace('Bearer ', '')}`)
          .join(),
      }
    : {}

/** The embedded runtime with the benchmark's application. */
export function startEmbedded(dataDir: string, settings: Readonly<Record<string, string>> = {}): Promise<NodeServer> {
  return startServer('services/standalone/src/main.ts', (port) => ({
    HOLDFAST_PORT: String(port),
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_APP: join(import.meta.dirname, '../servers/app.ts'),
    HOLDFAST_LOG_LEVEL: 'info',
    ...settings,
  }))
}

/** The orders in a store, counted past Holdfast: its own word is not taken for it. */
function countOrders(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, 'events.sqlite'), { readOnly: true })
  try {
    const row = database.prepare("SELECT count(*) AS orders FROM events WHERE type = 'OrderPlaced'").get()
    return Number(row?.['orders'])
  } finally {
    database.close()
  }
}

export const holdfast: Contender = {
  id: 'holdfast',
  title: 'Holdfast embedded',
  setup:
    '`npm start` as it comes: SQLite in WAL mode with `synchronous=FULL`, group commit. Fresh keys place an order by one durable append; steps run in the process and are recorded one by one.',
  versions: async () => sqliteVersion(),
  keepsKeys: true,
  optional: false,
  async start({ folder, besieged, stored }) {
    if (stored !== undefined) await seedStore(folder, stored.prefix, stored.keys)
    const server = await startEmbedded(folder, apiKeys(besieged))
    return {
      url: server.url,
      paths: holdfastPaths,
      servers: [server],
      ...(stored !== undefined && { stored: stored.keys }),
      effects: async () => countOrders(folder),
    }
  },
}
