import { createStoreResultFeed, shareResults } from '@holdfast/core'
import { startEventStore } from '@holdfast/testing/eventstore-stand-in'
import { describeResultFeedContract } from '@holdfast/testing/result-feed-contract'
import { createEventStoreDbEventStore } from './create-event-store.ts'

describeResultFeedContract('store-backed and shared, on EventStoreDB', {
  async open() {
    // A server for each: the feed is all that the store has.
    const server = await startEventStore()
    const connect = () => createEventStoreDbEventStore({ connectionString: server.url })
    const [store, other] = [connect(), connect()]
    return {
      store,
      feed: shareResults(createStoreResultFeed({ store })),
      reopen: () => Promise.resolve(shareResults(createStoreResultFeed({ store: other }))),
      async [Symbol.asyncDispose]() {
        await Promise.all([store.close(), other.close()])
        await server[Symbol.asyncDispose]()
      },
    }
  },
})
