/**
 * The contract of the `ResultFeed` port, as a vitest suite that every adapter runs:
 * `describeResultFeedContract('sqlite', { open })` in a test beside the adapter.
 *
 * File map: `subject.ts` (what an adapter hands in) · `kit.ts` (histories of commands, bounded reading) · `content.ts`
 * (what is a result, filters) · `progress.ts` (past, live, resumed, ended).
 */
export type { ResultFeedContractFactory, ResultFeedUnderTest } from './subject.ts'
export type { RecordedCommand } from './kit.ts'
export { recordCommand } from './kit.ts'

import { describe } from 'vitest'
import { describeContent } from './content.ts'
import { describeProgress } from './progress.ts'
import type { ResultFeedContractFactory } from './subject.ts'

/** Declares the whole suite under `ResultFeed contract: <name>`. Every test opens its own subject. */
export function describeResultFeedContract(name: string, factory: ResultFeedContractFactory): void {
  describe(`ResultFeed contract: ${name}`, () => {
    describeContent(factory)
    describeProgress(factory)
  })
}
