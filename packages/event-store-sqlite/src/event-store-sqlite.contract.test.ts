import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeEventStoreContract } from '@holdfast/testing/event-store-contract'
import { createSqliteEventStore } from './index.ts'

describeEventStoreContract('SQLite', {
  open: async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-sqlite-'))
    const store = await createSqliteEventStore({ dataDir })
    let current = store
    return {
      store,
      reopen: async () => {
        await current.close()
        current = await createSqliteEventStore({ dataDir })
        return current
      },
      [Symbol.asyncDispose]: async () => {
        await current.close()
        rmSync(dataDir, { recursive: true })
      },
    }
  },
})
