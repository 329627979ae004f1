import type { EventStore, ResultFeed } from '@holdfast/core'

/** A feed that shows what is recorded in an event store. */
export interface ResultFeedUnderTest extends AsyncDisposable {
  /** Where the tests record; what is appended here gets to the feed by itself. */
  readonly store: EventStore
  readonly feed: ResultFeed
  /** The same feed as another process would open it: it knows nothing of the first. */
  reopen(): Promise<ResultFeed>
}

export interface ResultFeedContractFactory {
  /** Opens a feed on an event store that is empty, or at least without results. */
  open(): Promise<ResultFeedUnderTest>
}
