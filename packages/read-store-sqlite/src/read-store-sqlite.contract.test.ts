import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeReadStoreContract } from '@holdfast/testing/read-store-contract'
import { createSqliteReadStore } from './index.ts'

describeReadStoreContract('SQLite', {
  open: async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-read-sqlite-'))
    const store = createSqliteReadStore({ dataDir })
    let current = store
    return {
      store,
      another: async () => createSqliteReadStore({ dataDir }),
      reopen: async () => {
        await current.close()
        current = createSqliteReadStore({ dataDir })
        return current
      },
      [Symbol.asyncDispose]: async () => {
        await current.close()
        rmSync(dataDir, { recursive: true })
      },
    }
  },
})
