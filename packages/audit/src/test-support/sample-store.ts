import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createSqliteEventStore, type SqliteEventStore } from '@holdfast/event-store-sqlite'
import { temporaryFolder } from '@holdfast/testing/processes'
import { createSampleHandler, type SampleHandler } from './sample-app.ts'

export interface SampleStore extends SampleHandler, AsyncDisposable {
  readonly dataDir: string
  readonly store: SqliteEventStore
  /** Closes the store, changes its file by hand, and leaves it closed. */
  tamper(statements: string): Promise<void>
}

/** An event store on a temporary folder with a handler of the sample application. */
export async function createSampleStore(): Promise<SampleStore> {
  const folder = await temporaryFolder()
  const store = await createSqliteEventStore({ dataDir: folder.path })
  const handler = createSampleHandler(store)
  let open = true
  const close = async (): Promise<void> => {
    if (!open) return
    open = false
    await handler.close()
    await store.close()
  }
  return {
    dataDir: folder.path,
    store,
    send: handler.send,
    removeNotes: handler.removeNotes,
    tamper: async (statements) => {
      await close()
      const database = new DatabaseSync(join(folder.path, 'events.sqlite'))
      database.exec(statements)
      database.close()
    },
    close,
    async [Symbol.asyncDispose]() {
      await close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
