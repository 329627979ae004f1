import type { ReadStore } from '@holdfast/core'

/** An adapter, opened on data of its own. Disposing of it closes what is open and removes the data. */
export interface ReadStoreUnderTest extends AsyncDisposable {
  /** The adapter as first opened. After `reopen()` it is closed: use what that returned. */
  readonly store: ReadStore
  /** A second adapter on the same data, as in another process. The test closes it. */
  another(): Promise<ReadStore>
  /** Closes the adapter that is open and opens another on the same data, as after a restart of the process. */
  reopen(): Promise<ReadStore>
}

export interface ReadStoreContractFactory {
  open(): Promise<ReadStoreUnderTest>
}
