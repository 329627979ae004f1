/**
 * The contract of the `EventStore` port, as a vitest suite that every adapter runs:
 * `describeEventStoreContract('sqlite', { open })` in a `.contract.test.ts` beside the adapter.
 *
 * File map: `subject.ts` (what an adapter hands in) · `kit.ts` (events, bounded waits) · `append.ts` (expected
 * revisions, conflicts, concurrency) · `idempotent-append.ts` · `content.ts` (sizes, bytes, stream names) · `read.ts` ·
 * `subscribe.ts` (order, live, resuming) · `subscribe-filters.ts` · `truncate.ts` (removal) · `lifecycle.ts` (probe, reopening, closing).
 */
export type { EventStoreContractFactory, EventStoreUnderTest } from './subject.ts'

import { describe } from 'vitest'
import { describeAppend } from './append.ts'
import { describeContent } from './content.ts'
import { describeIdempotentAppend } from './idempotent-append.ts'
import { describeLifecycle } from './lifecycle.ts'
import { describeRead } from './read.ts'
import { describeSubscribeFilters } from './subscribe-filters.ts'
import { describeSubscribe } from './subscribe.ts'
import type { EventStoreContractFactory } from './subject.ts'
import { describeTruncate } from './truncate.ts'

/**
 * Declares the whole suite under `EventStore contract: <name>`. Every test opens its own subject and disposes of it;
 * the data behind it may be fresh or shared with other tests, for all stream names that the suite uses are unique.
 */
export function describeEventStoreContract(name: string, factory: EventStoreContractFactory): void {
  describe(`EventStore contract: ${name}`, () => {
    describeAppend(factory)
    describeIdempotentAppend(factory)
    describeContent(factory)
    describeRead(factory)
    describeSubscribe(factory)
    describeSubscribeFilters(factory)
    describeTruncate(factory)
    describeLifecycle(factory)
  })
}
