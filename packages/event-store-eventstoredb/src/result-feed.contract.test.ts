import { createStoreResultFeed, shareResults, type EventStore, type ResultFeed } from '@holdfast/core'
import { startEventStore } from '@holdfast/testing/eventstore-stand-in'
import { describeResultFeedContract } from '@holdfast/testing/result-feed-contract'
import { createEventStoreDbEventStore } from './create-event-store.ts'

/** Where the feed of a store ends now. Undefined: it has no results yet. */
async function endOf(store: EventStore): Promise<string | undefined> {
  const stop = new AbortController()
  let end: string | undefined
  for await (const { place, caughtUp } of createStoreResultFeed({ store }).subscribe({ signal: stop.signal })) {
    end = place
    if (caughtUp) stop.abort()
  }
  return end
}

/** The feed as if nothing stood before this place: a server that is given keeps what earlier tests have left. */
const startingAfter = (feed: ResultFeed, place: string | undefined): ResultFeed => ({
  subscribe: (wanted) => feed.subscribe({ ...(place !== undefined && { after: place }), ...wanted }),
})

describeResultFeedContract('store-backed and shared, on EventStoreDB', {
  async open() {
    // A server for each, unless one is given: the feed is all that the store has.
    const server = await startEventStore()
    const connect = () => createEventStoreDbEventStore({ connectionString: server.url })
    const [store, other] = [connect(), connect()]
    const before = server.kind === 'given' ? await endOf(store) : undefined
    return {
      store,
      feed: startingAfter(shareResults(createStoreResultFeed({ store })), before),
      reopen: () => Promise.resolve(startingAfter(shareResults(createStoreResultFeed({ store: other })), before)),
      async [Symbol.asyncDispose]() {
        await Promise.all([store.close(), other.close()])
        await server[Symbol.asyncDispose]()
      },
    }
  },
})
