/**
 * Time and identity for tests.
 *
 * File map: `manual-clock.ts` (a clock that moves only when told) · `test-ids.ts` (ids that are the same in every run).
 */
export type { ManualClock } from './manual-clock.ts'
export { createManualClock } from './manual-clock.ts'
export { createTestIds } from './test-ids.ts'
