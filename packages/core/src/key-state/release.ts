import { commandIdOf, streamOf, type IdempotencyKey, type Tenant } from '../brands.ts'
import type { JsonObject } from '../json.ts'
import type { Clock, Ids } from '../ports/clock.ts'
import { EventStoreError, type EventStore } from '../ports/event-store.ts'
import { appendSurely } from '../handler/append-surely.ts'
import { keyEventTypes, type KeyEventMetadata, type ReleaseRecord } from './events.ts'
import { loadKeyState } from './load.ts'

export interface ReleaseRequest {
  readonly tenant: Tenant
  readonly key: IdempotencyKey
  /** Why; kept in the history. */
  readonly reason: string
  /** The operator's name. */
  readonly by: string
}

export type ReleaseResult =
  | { readonly kind: 'released'; readonly generation: number; readonly release: ReleaseRecord }
  /** The key was never used, or its history was removed. */
  | { readonly kind: 'not-found' }
  /** The command is running: its outcome cannot be taken away before it is there. */
  | { readonly kind: 'in-progress' }

const rounds = 10

/**
 * Releases a key before its time: an event behind the outcome, which stays in the history. The next request under the key
 * is a new generation. Releasing a released key changes nothing.
 *
 * @throws EventStoreError
 */
export async function releaseKey(
  deps: { readonly store: EventStore; readonly clock: Clock; readonly ids: Ids },
  { tenant, key, reason, by }: ReleaseRequest,
): Promise<ReleaseResult> {
  const stream = streamOf(commandIdOf(tenant, key))
  for (let round = 0; round < rounds; round++) {
    const state = await loadKeyState(deps.store, stream)
    if (state.kind === 'vacant' || state.kind === 'removed') return { kind: 'not-found' }
    if (state.kind === 'accepted') return { kind: 'in-progress' }
    const { generation, fingerprint, attemptId, revision } = state
    if (state.kind === 'released') return { kind: 'released', generation, release: state.release }
    const release: ReleaseRecord = { reason, by, releasedAtMs: deps.clock.nowMs() }
    const metadata: KeyEventMetadata = { v: 1, generation, fingerprint, attemptId, release }
    const event = {
      id: deps.ids.uuid(),
      type: keyEventTypes.released,
      data: { reason, by },
      metadata: metadata as unknown as JsonObject,
    }
    const result = await appendSurely(deps, { stream, events: [event], expectedRevision: revision })
    if (result.kind === 'appended') return { kind: 'released', generation, release }
  }
  throw new EventStoreError('unavailable', `other workers kept writing to ${stream}`)
}
