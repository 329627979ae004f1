import { keyEventTypes, type HistoryRemovedData } from '@holdfast/core'
import { AuditError } from './audit-error.ts'
import type { History, StoredEvent } from './history.ts'
import { jsonOf } from './json-of.ts'
import { eventLeaf } from './merkle/event-leaf.ts'
import { digestBytes, sameDigest, type Digest } from './merkle/hashing.ts'

/** An event's place in the tree; without the event where that was removed. */
export interface Leaf {
  readonly position: bigint
  readonly hash: Digest
  readonly event?: StoredEvent
}

/**
 * The events that were removed on purpose: `HistoryRemoved` names each by its position and its leaf, so that the tree can
 * be grown without it, and nobody takes it for lost. 40 bytes each in memory.
 */
export interface Removals {
  readonly count: number
  /** Positions that are named with two different leaves. */
  readonly contradictions: readonly bigint[]
  /** Those behind `after` and before `before`, in their order. */
  between(after: bigint, before: bigint): readonly Leaf[]
  at(position: bigint): Digest | undefined
}

/** Reads what the store says of removed history. @throws EventStoreError */
export async function readRemovals(history: History): Promise<Removals> {
  let hashes = Buffer.alloc(1024 * digestBytes)
  const positions: number[] = []
  for await (const page of history.eventsOfType(keyEventTypes.historyRemoved)) {
    for (const event of page) {
      for (const [position, hash] of namedBy(event)) {
        if ((positions.length + 1) * digestBytes > hashes.length) hashes = Buffer.concat([hashes, hashes])
        hashes.set(hash, positions.length * digestBytes)
        positions.push(position)
      }
    }
  }
  const order = Uint32Array.from(positions.keys()).sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0))
  const positionAt = (at: number): number => positions[order[at] ?? 0] ?? 0
  const hashAt = (at: number): Digest => hashes.subarray((order[at] ?? 0) * digestBytes).subarray(0, digestBytes)

  // A later removal names again what an earlier one has named.
  const contradictions: bigint[] = []
  let count = 0
  for (let at = 0; at < order.length; at++) {
    const again = at > 0 && positionAt(at) === positionAt(at - 1)
    if (!again) order[count++] = order[at] ?? 0
    else if (!sameDigest(hashAt(at), hashAt(count - 1))) contradictions.push(BigInt(positionAt(at)))
  }

  /** How many are at or before a position. */
  function rank(position: bigint): number {
    let [low, high] = [0, count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (positionAt(middle) <= position) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    count,
    contradictions,
    between: (after, before) => {
      const found: Leaf[] = []
      for (let at = rank(after); at < count && positionAt(at) < before; at++) {
        found.push({ position: BigInt(positionAt(at)), hash: hashAt(at) })
      }
      return found
    },
    at: (position) => {
      const at = rank(position) - 1
      return at >= 0 && BigInt(positionAt(at)) === position ? hashAt(at) : undefined
    },
  }
}

/** What a `HistoryRemoved` names; nothing for one that cannot be read. */
export function namedBy(event: StoredEvent): readonly (readonly [position: number, hash: Digest])[] {
  // By the metadata: an application's own event may have the same type.
  if (jsonOf(event.metadata)?.['removal'] === undefined) return []
  const removed: unknown = (jsonOf(event.data) as HistoryRemovedData | undefined)?.removed
  if (!Array.isArray(removed)) return []
  return removed.flatMap((entry: unknown) => {
    const [position, digest] = Array.isArray(entry) ? (entry as unknown[]) : []
    if (typeof position !== 'string' || !/^\d{1,15}$/.test(position)) return []
    if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) return []
    return [[Number(position), Buffer.from(digest, 'hex')] as const]
  })
}

/**
 * The leaves behind a position: those of the events that are there, and between them those of the removed ones.
 *
 * @throws AuditError `tampered` where an event is missing that nobody has removed; EventStoreError
 */
export async function* leavesBehind(history: History, after?: bigint): AsyncGenerator<readonly Leaf[]> {
  let removals = await readRemovals(history)
  let last = after ?? 0n
  for await (const page of history.events(after)) {
    const leaves: Leaf[] = []
    for (const event of page) {
      let removed = removals.between(last, event.position)
      // It may have been removed since.
      if (history.gapless && !follows(last, removed, event))
        removed = (removals = await readRemovals(history)).between(last, event.position)
      if (history.gapless && !follows(last, removed, event)) {
        throw new AuditError(
          'tampered',
          `events before position ${event.position} are missing, and nothing says that they were removed: run \`holdfast audit verify\``,
        )
      }
      leaves.push(...removed, { position: event.position, hash: eventLeaf(event), event })
      last = event.position
    }
    yield leaves
  }
}

/** True when nothing is missing between a position and an event but what was removed. */
export const follows = (last: bigint, removed: readonly Leaf[], event: StoredEvent): boolean =>
  event.position === last + 1n + BigInt(removed.length)
