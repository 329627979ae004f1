import type { SiegeOptions } from '../options.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { draftIdempotencyKey } from './draft-idempotency-key.ts'

type Profile = NonNullable<SiegeOptions['profile']>

/** The checks of each specification. */
export const profiles: Readonly<Record<Profile, readonly Scenario[]>> = {
  'draft-idempotency-key': draftIdempotencyKey,
}

/** The text that each profile cites the sections of. */
export const specifications: Readonly<Record<Profile, string>> = {
  'draft-idempotency-key': 'draft-ietf-httpapi-idempotency-key-header-07',
}
