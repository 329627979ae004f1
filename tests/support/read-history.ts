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

/** How many outcomes each command has: one for each generation, or something is decided twice. */
export async function outcomeCounts(dataDir: string): Promise<ReadonlyMap<string, number>> {
  return withHistory(dataDir, async (store) => {
    const counts = new Map<string, number>()
    const stop = new AbortController()
    for await (const batch of store.subscribe({ prefix: commandStreamPrefix, signal: stop.signal })) {
      for (const { stream, metadata } of batch.events) {
        if (metadata['outcome'] === undefined) continue
        const commandId = stream.slice(commandStreamPrefix.length)
        counts.set(commandId, (counts.get(commandId) ?? 0) + 1)
      }
      if (batch.caughtUp) stop.abort()
    }
    return counts
  })
}
