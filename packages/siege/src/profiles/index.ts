import type { SiegeOptions } from '../options.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { draftIdempotencyKey } from './draft-idempotency-key.ts'

/** The checks of each specification. */
export const profiles: Readonly<Record<NonNullable<SiegeOptions['profile']>, readonly Scenario[]>> = {
  'draft-idempotency-key': draftIdempotencyKey,
}
