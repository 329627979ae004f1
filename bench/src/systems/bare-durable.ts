import { join } from 'node:path'
import { openDurableRows, placeOf } from '../servers/durable-rows.ts'
import { startServer, type NodeServer } from '../servers/node-server.ts'
import { sqliteVersion } from '../versions.ts'
import type { Contender } from './system.ts'

const rowsAtOnce = 10_000
const answer = '{"product_id":"abc","quantity":2,"status":"confirmed"}'

/** Fills its database with so many rows, and starts it. */
export function startBareDurable(folder: string, stored = 0): Promise<NodeServer> {
  const path = join(folder, 'answers.sqlite')
  const rows = openDurableRows({ path, indexed: true })
  for (let from = 1; from <= stored; from += rowsAtOnce) {
    const keys = Array.from({ length: Math.min(rowsAtOnce, stored - from + 1) }, (_, at) => `stored-${from + at}`)
    rows.insert(keys.map((key) => ({ key, place: placeOf(key), answer })))
  }
  rows.close()
  return startFloor('bare-durable.ts', path)
}

const startFloor = (program: string, database: string): Promise<NodeServer> =>
  startServer(`bench/src/servers/${program}`, (port) => ({ PORT: String(port), DATABASE: database }))

const floor = (
  words: Pick<Contender, 'id' | 'title' | 'setup'>,
  start: (folder: string) => Promise<NodeServer>,
): Contender => ({
  ...words,
  versions: async () => sqliteVersion(),
  keepsKeys: false,
  optional: false,
  async start({ folder }) {
    const server = await start(folder)
    return { url: server.url, paths: { plain: '/api/order' }, servers: [server] }
  },
})

export const bareDurable = floor(
  {
    id: 'bare-durable',
    title: 'bare Fastify, one durable row',
    setup:
      'The bare route, and a row with key and answer in SQLite that is synced before it answers: group commit in a thread, the same settings of SQLite as Holdfast, an index on a hash of the key. It never looks a key up: the floor of anything durable.',
  },
  startBareDurable,
)

export const bareEvent = floor(
  {
    id: 'bare-event',
    title: 'bare Fastify, one durable event',
    setup:
      'The same with an event as large as Holdfast records, in place of the row: two SHA-256, envelope and outcome as JSON. No index: no retry would find it. The floor of anything that records such an event.',
  },
  (folder) => startFloor('bare-event.ts', join(folder, 'events.sqlite')),
)
