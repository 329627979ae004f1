import type { Prepare } from './query.ts'
import { makeTypeBlocksAnew } from './type-blocks.ts'
import type { RecentEvent, RecentEvents, Run } from './recent-events.ts'

/** The writer's care for the index of streams: see README, "The index of streams". */
export interface StreamIndex {
  /** Position up to which the index holds all that is committed. */
  readonly end: number
  /** Takes a share of the oldest full run into the index: first in a transaction that writes so many events. */
  grow(events: number): void
  /** A removed event leaves the index, or does not come into it. */
  remove(event: RecentEvent): void
  committed(): void
  rolledBack(): void
}

/** Entries for each event that is written: a run is in the index before the next one is full. */
const pace = 2
/** Fewer at a time would write the same page of the index again and again where each transaction has one event. */
const fewest = 64
const most = 1_024

/** A full run on its way into the index. */
interface Move {
  readonly run: Run
  readonly hashes: Float64Array
  /** How many of the hashes are in the index. */
  readonly done: number
}

/** Position up to which the index holds all. */
export const endOfIndex = (prepare: Prepare): number => Number(prepare('SELECT position FROM indexed').get()?.[0])

/** Takes into the index, in its order, all that is not there yet, at once. */
export function completeIndex(prepare: Prepare): void {
  prepare(
    `INSERT OR IGNORE INTO stream_index SELECT stream_hash, revision, position FROM events
     WHERE position > (SELECT position FROM indexed) ORDER BY stream_hash, revision, position`,
  ).run()
  prepare('UPDATE indexed SET position = (SELECT coalesce(max(position), 0) FROM events)').run()
}

/** Empties the indexes, that of types as well, and fills them from the events. */
export function makeIndexesAnew(prepare: Prepare): void {
  prepare('DELETE FROM stream_index').run()
  prepare('INSERT OR REPLACE INTO indexed (id, position) VALUES (1, 0)').run()
  completeIndex(prepare)
  makeTypeBlocksAnew(prepare)
}

/** @param recent with all events that the index does not hold */
export function createStreamIndex(prepare: Prepare, recent: RecentEvents): StreamIndex {
  // A part of a run may be there already, from a transaction before the process was killed.
  const insert = prepare('INSERT OR IGNORE INTO stream_index (hash, at_revision, at_position) VALUES (?, ?, ?)')
  const drop = prepare('DELETE FROM stream_index WHERE hash = ? AND at_revision = ? AND at_position = ?')
  const saveEnd = prepare('UPDATE indexed SET position = ?')
  /** Entries that are to be taken in. */
  let due = 0
  let move: Move | undefined
  /** What `move` becomes with the commit. */
  let next: Move | undefined
  const removed: number[] = []
  let end = endOfIndex(prepare)

  function insertNext({ run, hashes, done }: Move, entries: number): number {
    let at = done
    for (let left = entries; left > 0 && at < hashes.length; at++) {
      for (const { hash, revision, position } of run.eventsOf(hashes[at] ?? 0)) {
        insert.run(hash, revision, position)
        left--
      }
    }
    return at
  }

  return {
    get end() {
      return end
    },
    grow(events) {
      // What failing transactions have not taken in does not come all at once.
      due = Math.min(due, most) + events * pace
      const run = recent.full
      if (run === undefined) due = 0
      if (run === undefined || due < fewest) return
      const from = move ?? { run, hashes: run.sortedHashes(), done: 0 }
      next = { ...from, done: insertNext(from, due) }
      if (next.done === next.hashes.length) saveEnd.run(run.end)
    },
    remove({ hash, revision, position }) {
      removed.push(position)
      drop.run(hash, revision, position)
    },
    committed() {
      for (const position of removed.splice(0)) recent.remove(position)
      if (next === undefined) return
      due = 0
      move = next.done === next.hashes.length ? undefined : next
      if (move === undefined) {
        end = next.run.end
        recent.forget(end)
      }
      next = undefined
    },
    rolledBack() {
      removed.length = 0
      next = undefined
    },
  }
}
