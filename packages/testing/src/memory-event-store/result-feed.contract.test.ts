import { createStoreResultFeed, shareResults, type EventStore, type ResultFeed } from '@holdfast/core'
import { describeResultFeedContract } from '../result-feed-contract/index.ts'
import { createMemoryEventStore } from './index.ts'

const feeds: Readonly<Record<string, (store: EventStore) => ResultFeed>> = {
  'store-backed, in memory': (store) => createStoreResultFeed({ store }),
  'store-backed and shared, in memory': (store) => shareResults(createStoreResultFeed({ store })),
}

for (const [name, on] of Object.entries(feeds)) {
  describeResultFeedContract(name, {
    open: async () => {
      const store = createMemoryEventStore()
      return { store, feed: on(store), reopen: async () => on(store), [Symbol.asyncDispose]: () => store.close() }
    },
  })
}
