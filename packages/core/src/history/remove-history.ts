import { appendSurely } from '../handler/append-surely.ts'
import type { JsonObject } from '../json.ts'
import { reusableAtMs } from '../key-state/decide.ts'
import {
  keyEventTypes,
  type HistoryRemovedData,
  type KeyEventMetadata,
  type RemovalRecord,
} from '../key-state/events.ts'
import { loadKeyState } from '../key-state/load.ts'
import { keyMetadata, type Released, type Resolved } from '../key-state/state.ts'
import type { Clock, Ids } from '../ports/clock.ts'
import { EventStoreError, type EventStore, type RecordedEvent } from '../ports/event-store.ts'
import { eventDigest } from './event-digest.ts'

export interface RemoveHistoryDeps {
  readonly store: EventStore
  readonly clock: Clock
  readonly ids: Ids
  /** See KeyPolicy.clockSkewMs. */
  readonly clockSkewMs: number
}

export interface RemoveHistoryRequest {
  readonly stream: string
  /** The generation that is thought to be the last one. */
  readonly generation: number
  /** How long a key's history is kept after the key could be used again, milliseconds. */
  readonly historyRetentionMs: number
}

/**
 * - `removed`: only the event that says so is left; also when it stood there before
 * - `due-later`: the generation is in use, or has been of late
 * - `went-on`: a later generation has begun, perhaps at this very moment
 * - `too-many`: what says which events were removed would be larger than the store accepts; nothing was removed
 * - `nothing`: there is no such stream
 */
export type RemoveHistoryResult = 'removed' | 'due-later' | 'went-on' | 'too-many' | 'nothing'

const pageSize = 500

/**
 * Removes a key's history once its last generation has ended and expired for long enough.
 *
 * First `HistoryRemoved` is appended, at the exact next revision: a generation that begins at the same time makes it a
 * conflict, and the other way round. It names each removed event by position and digest, carries the generation on, and
 * stays. Then what stands before it is truncated; a crash in between leaves that to the next call.
 *
 * @throws EventStoreError
 */
export async function removeHistory(
  deps: RemoveHistoryDeps,
  { stream, generation: last, historyRetentionMs }: RemoveHistoryRequest,
): Promise<RemoveHistoryResult> {
  const { store, clock, ids, clockSkewMs } = deps
  const state = await loadKeyState(store, stream)
  if (state.kind === 'vacant') return 'nothing'
  if (state.generation > last) return 'went-on'
  if (state.kind === 'removed') {
    await store.truncate(stream, state.revision)
    return 'removed'
  }
  if (state.kind === 'accepted') return 'due-later'
  const removal: RemovalRecord = { reusableAtMs: freeFromMs(state, clockSkewMs), removedAtMs: clock.nowMs() }
  if (removal.removedAtMs < removal.reusableAtMs + historyRetentionMs) return 'due-later'
  const data: HistoryRemovedData = { removed: (await readStream(store, stream, state.revision)).flatMap(traces) }
  const { generation, fingerprint, attemptId } = state
  const metadata: KeyEventMetadata = { v: 1, generation, fingerprint, attemptId, removal }
  const event = {
    id: ids.uuid(),
    type: keyEventTypes.historyRemoved,
    data,
    metadata: metadata as unknown as JsonObject,
  }
  try {
    const result = await appendSurely(deps, { stream, events: [event], expectedRevision: state.revision })
    if (result.kind === 'conflict') return 'went-on'
    await store.truncate(stream, result.revision)
    return 'removed'
  } catch (error) {
    if (error instanceof EventStoreError && error.code === 'event-too-large') return 'too-many'
    throw error
  }
}

/** From when on an attempt may begin the next generation, by the later of both clocks and with the margin. */
function freeFromMs(state: Resolved | Released, clockSkewMs: number): number {
  return state.kind === 'resolved'
    ? reusableAtMs(state, clockSkewMs)
    : Math.max(state.release.releasedAtMs, state.recordedAtMs) + clockSkewMs
}

type Trace = HistoryRemovedData['removed'][number]

/** What is left of an event; of an earlier removal also what that one has named, or nothing would name it any more. */
function traces(event: RecordedEvent): readonly Trace[] {
  // By the metadata: an application's own event may have the same type.
  const named = keyMetadata(event).removal === undefined ? [] : (event.data as HistoryRemovedData).removed
  return [...named, [String(event.position), eventDigest(event)]]
}

async function readStream(store: EventStore, stream: string, last: bigint): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for (let from = 0n; from <= last;) {
    const page = await store.read(stream, { direction: 'forwards', from, maxCount: pageSize })
    events.push(...page.filter(({ revision }) => revision <= last))
    const end = page.at(-1)?.revision
    if (end === undefined) break
    from = end + 1n
  }
  return events
}
