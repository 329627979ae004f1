/**
 * The contract of the `ReadStore` port, as a vitest suite that every adapter runs:
 * `describeReadStoreContract('sqlite', { open })` in a `.contract.test.ts` beside the adapter.
 *
 * File map: `subject.ts` (what an adapter hands in) · `kit.ts` (claims, commits, bounded waits) · `claims.ts` (one projector
 * at a time, leases, fencing) · `commits.ts` (documents and checkpoint together) · `lists.ts` (pages, order, tenants) ·
 * `snapshots.ts` (reads as of a snapshot) · `builds.ts` (versions side by side) · `lifecycle.ts` (reopening, closing).
 */
export type { ReadStoreContractFactory, ReadStoreUnderTest } from './subject.ts'

import { describe } from 'vitest'
import { describeBuilds } from './builds.ts'
import { describeClaims } from './claims.ts'
import { describeCommits } from './commits.ts'
import { describeLifecycle } from './lifecycle.ts'
import { describeLists } from './lists.ts'
import { describeSnapshots } from './snapshots.ts'
import type { ReadStoreContractFactory } from './subject.ts'

/**
 * Declares the whole suite under `ReadStore contract: <name>`. Every test opens its own subject and disposes of it; the
 * data behind it may be fresh or shared with other tests, for all projection names that the suite uses are unique.
 */
export function describeReadStoreContract(name: string, factory: ReadStoreContractFactory): void {
  describe(`ReadStore contract: ${name}`, () => {
    describeClaims(factory)
    describeCommits(factory)
    describeLists(factory)
    describeSnapshots(factory)
    describeBuilds(factory)
    describeLifecycle(factory)
  })
}
