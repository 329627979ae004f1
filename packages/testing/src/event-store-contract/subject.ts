import type { EventStore } from '@holdfast/core'

/** An adapter, opened on data of its own. Disposing of it closes what is open and removes the data. */
export interface EventStoreUnderTest extends AsyncDisposable {
  /** The adapter as first opened. After `reopen()` it is closed: use what that returned. */
  readonly store: EventStore
  /** Closes the adapter that is open and opens another on the same data, as after a restart of the process. */
  reopen(): Promise<EventStore>
}

export interface EventStoreContractFactory {
  open(): Promise<EventStoreUnderTest>
}
