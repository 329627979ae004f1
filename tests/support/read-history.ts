import { join } from 'node:path'
import { commandStreamPrefix, type EventStore, type RecordedEvent } from '@holdfast/core'
import { backupDataDir, createSqliteEventStore } from '@holdfast/event-store-sqlite'
import { temporaryFolder } from '@holdfast/testing/processes'

/** Opens a copy of an embedded store, as it is at this moment, while its process serves. */
export async function withHistory<T>(dataDir: string, use: (store: EventStore) => Promise<T>): Promise<T> {
  await using folder = await temporaryFolder('holdfast-history')
  await backupDataDir({ dataDir, target: join(folder.path, 'events.sqlite') })
  await using store = await createSqliteEventStore({ dataDir: folder.path })
  return await use(store)
}

/** Events on one key's stream, oldest first. */
export const streamEvents = (dataDir: string, commandId: string): Promise<readonly RecordedEvent[]> =>
  withHistory(dataDir, (store) =>
    store.read(`${commandStreamPrefix}${commandId}`, { direction: 'forwards', maxCount: 10_000 }),
  )
