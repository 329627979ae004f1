import { noStream, outcome, surelyNoStream } from './protocol.ts'
import type { AppendColumns, WriteGroup, Written } from './protocol.ts'
import { preparing } from './query.ts'
import { followRecent } from './follow-recent.ts'
import { runLength } from './recent-events.ts'
import type { Database } from './sqlite.ts'
import { completeIndex, createStreamIndex, endOfIndex, makeIndexesAnew } from './stream-index.ts'
import { createStreamRows } from './stream-rows.ts'
import type { StreamRow } from './stream-rows.ts'
import { createTypeBlocks } from './type-blocks.ts'

/** Writes groups of appends, in one transaction what comes together. Synchronous: for a thread of its own. */
export interface GroupWriter {
  /** Position of the last event in the store; 0 for none. */
  head(): number
  /** @throws CommitError when the commit itself failed; any other error: surely nothing was written */
  write(groups: readonly WriteGroup[]): Written
  close(): void
}

/** The commit failed; `cause` has SQLite's error. */
export class CommitError extends Error {
  override readonly name = 'CommitError'
}

/** Writes through this connection (connections.ts) to a database that is prepared (prepare-database.ts). */
export function createGroupWriter(database: Database): GroupWriter {
  const prepare = preparing(database)
  const begin = prepare('BEGIN IMMEDIATE')
  const commit = prepare('COMMIT')
  const rollback = prepare('ROLLBACK')
  const readHead = prepare('SELECT coalesce(max(position), 0) FROM events')
  const insert = prepare(
    `INSERT INTO events (position, stream_hash, revision, recorded_at_ms, stream, id, type, data, metadata)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const saveCheckpoint = prepare('INSERT OR REPLACE INTO checkpoints (name, position) VALUES (?, ?)')
  const remove = prepare('DELETE FROM events WHERE position = ?')
  const countRemoved = prepare('UPDATE removals SET events = events + ?')
  const saveProbe = prepare('INSERT OR REPLACE INTO write_probe (id, written_at_ms) VALUES (1, ?)')

  let head = Number(readHead.get()?.[0])
  const end = endOfIndex(prepare)
  // Asked for, or needed, where the end of the events was lost.
  if (!(end >= 0 && end <= head)) {
    inTransaction(() => {
      makeIndexesAnew(prepare)
    })
  }
  // As far behind as no writer leaves it: an older schema.
  else if (head - end > mostBehind) {
    inTransaction(() => {
      completeIndex(prepare)
    })
  }
  const { recent, catchUp } = followRecent(prepare)
  catchUp()
  const index = createStreamIndex(prepare, recent)
  const typeBlocks = createTypeBlocks(prepare)
  const rows = createStreamRows<IdRow>(prepare, recent, 'position, revision, id')

  const revisionOf = (hash: number, stream: string): number =>
    rows.backwards({ stream, hash, from: Number.MAX_SAFE_INTEGER, limit: 1 })[0]?.[1] ?? noStream

  /** Judges one append within the transaction and writes it when its stream is where it should be. */
  function append(columns: AppendColumns, at: { index: number; event: number; atMs: number }): readonly number[] {
    const stream = columns.streams[at.index] ?? ''
    const hash = columns.hashes[at.index] ?? 0
    const asked = columns.expected[at.index] ?? noStream
    const expected = asked === surelyNoStream ? noStream : asked
    const count = columns.counts[at.index] ?? 0
    const actual = asked === surelyNoStream ? noStream : revisionOf(hash, stream)
    if (actual === expected) {
      for (let n = at.event; n < at.event + count; n += 1) {
        const [id, type = '', data, metadata] = [columns.ids[n], columns.types[n], columns.data[n], columns.metadata[n]]
        const revision = expected + 1 + n - at.event
        insert.run(++head, hash, revision, at.atMs, stream, id ?? '', type, data ?? '', metadata ?? '')
        recent.add({ position: head, hash, revision })
        typeBlocks.add(type, head)
      }
      return [outcome.appended, expected + count, head]
    }
    if (actual > expected) {
      const stored = rows.forwards({ stream, hash, from: expected + 1, limit: count })
      const known = stored.length === count && stored.every((row, n) => row[2] === columns.ids[at.event + n])
      if (known) return [outcome.appended, expected + count, Number(stored.at(-1)?.[0])]
    }
    return [outcome.conflict, actual, 0]
  }

  function writeGroup(group: WriteGroup, results: number[]): void {
    let event = 0
    for (const [index, count] of group.appends.counts.entries()) {
      results.push(...append(group.appends, { index, event, atMs: group.atMs }))
      event += count
    }
    for (const { name, position } of group.checkpoints) saveCheckpoint.run(name, position)
    for (const truncation of group.truncations) truncate(truncation)
    if (group.probe) saveProbe.run(group.atMs)
  }

  /** Never the last event: its revision is the stream's, and no position is ever given out again. */
  function truncate({ stream, hash, before }: WriteGroup['truncations'][number]): void {
    const end = Math.min(before, revisionOf(hash, stream))
    let removed = 0
    for (;;) {
      const events = rows.forwards({ stream, hash, from: 0, limit: removedAtOnce }).filter((row) => row[1] < end)
      if (events.length === 0) break
      for (const [position, revision] of events) {
        remove.run(position)
        index.remove({ position, hash, revision })
      }
      removed += events.length
    }
    if (removed > 0) countRemoved.run(removed)
  }

  function commitNow(): void {
    try {
      commit.run()
    } catch (error) {
      throw new CommitError('the commit failed', { cause: error })
    }
  }

  function rollBack(): void {
    try {
      // Some errors have SQLite roll back by itself.
      if (database.isTransaction) rollback.run()
    } catch {
      // What stopped the write is the error to tell. A connection stuck in its transaction fails at the next BEGIN.
    }
  }

  function inTransaction(work: () => void): void {
    begin.run()
    try {
      work()
      commitNow()
    } catch (error) {
      rollBack()
      throw error
    }
  }

  return {
    head: () => head,
    write: (groups) => {
      const start = performance.now()
      const before = head
      const results: number[] = []
      try {
        inTransaction(() => {
          index.grow(groups.reduce((sum, { appends }) => sum + appends.ids.length, 0))
          for (const group of groups) writeGroup(group, results)
        })
      } catch (error) {
        head = before
        recent.dropAfter(before)
        index.rolledBack()
        typeBlocks.rolledBack()
        throw error
      }
      index.committed()
      const durationMs = performance.now() - start
      return { kind: 'written', groups: groups.length, results, head, indexed: index.end, durationMs }
    },
    close: () => {
      database.close()
    },
  }
}

type IdRow = StreamRow & readonly [position: number, revision: number, id: string]

/** Events that are taken into memory, not into the index, at a start: that needs no room on the disk. */
const mostBehind = 4 * runLength
/** Rows that a truncation looks at together. */
const removedAtOnce = 500
