import { createStoreResultFeed } from '@holdfast/core'
import { describeResultFeedContract } from '../result-feed-contract/index.ts'
import { createMemoryEventStore } from './index.ts'

describeResultFeedContract('store-backed, in memory', {
  open: async () => {
    const store = createMemoryEventStore()
    const open = () => createStoreResultFeed({ store })
    return { store, feed: open(), reopen: async () => open(), [Symbol.asyncDispose]: () => store.close() }
  },
})
