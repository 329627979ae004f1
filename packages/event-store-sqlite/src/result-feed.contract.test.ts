import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStoreResultFeed, shareResults } from '@holdfast/core'
import { describeResultFeedContract } from '@holdfast/testing/result-feed-contract'
import { createSqliteEventStore } from './index.ts'

describeResultFeedContract('store-backed and shared, on SQLite', {
  open: async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-sqlite-'))
    const store = await createSqliteEventStore({ dataDir })
    const open = () => shareResults(createStoreResultFeed({ store }))
    return {
      store,
      feed: open(),
      reopen: () => Promise.resolve(open()),
      [Symbol.asyncDispose]: async () => {
        await store.close()
        rmSync(dataDir, { recursive: true })
      },
    }
  },
})
