import { noStream, outcome } from './protocol.ts'
import type { AppendColumns, WriteGroup, Written } from './protocol.ts'
import type { Database, SQLOutputValue, StatementSync } from './sqlite.ts'

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
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  const begin = prepare('BEGIN IMMEDIATE')
  const commit = prepare('COMMIT')
  const rollback = prepare('ROLLBACK')
  const readHead = prepare('SELECT coalesce(max(position), 0) FROM events')
  const readRevision = prepare(
    'SELECT revision FROM events WHERE stream_hash = ? AND stream = ? ORDER BY revision DESC LIMIT 1',
  )
  const readAfter = prepare(
    'SELECT id, position FROM events WHERE stream_hash = ? AND stream = ? AND revision > ? ORDER BY revision LIMIT ?',
  )
  const insert = prepare(
    `INSERT INTO events (position, stream_hash, revision, recorded_at_ms, stream, id, type, data, metadata)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const saveCheckpoint = prepare('INSERT OR REPLACE INTO checkpoints (name, position) VALUES (?, ?)')
  // Never the last event: its revision is the stream's, and no position is ever given out again.
  const truncate = prepare(
    `DELETE FROM events WHERE stream_hash = ? AND stream = ? AND revision < min(?,
       (SELECT max(last.revision) FROM events AS last WHERE last.stream_hash = ? AND last.stream = ?))`,
  )
  const countRemoved = prepare('UPDATE removals SET events = events + ?')
  const saveProbe = prepare('INSERT OR REPLACE INTO write_probe (id, written_at_ms) VALUES (1, ?)')

  let head = firstNumber(readHead.get()) ?? 0

  /** Judges one append within the transaction and writes it when its stream is where it should be. */
  function append(columns: AppendColumns, at: { index: number; event: number; atMs: number }): readonly number[] {
    const stream = columns.streams[at.index] ?? ''
    const hash = columns.hashes[at.index] ?? 0
    const expected = columns.expected[at.index] ?? noStream
    const count = columns.counts[at.index] ?? 0
    const actual = firstNumber(readRevision.get(hash, stream)) ?? noStream
    if (actual === expected) {
      for (let n = at.event; n < at.event + count; n += 1) {
        const [id, type, data, metadata] = [columns.ids[n], columns.types[n], columns.data[n], columns.metadata[n]]
        const revision = expected + 1 + n - at.event
        insert.run(++head, hash, revision, at.atMs, stream, id ?? '', type ?? '', data ?? '', metadata ?? '')
      }
      return [outcome.appended, expected + count, head]
    }
    if (actual > expected) {
      const stored = rows(readAfter.all(hash, stream, expected, count))
      const known = stored.length === count && stored.every((row, n) => row[0] === columns.ids[at.event + n])
      if (known) return [outcome.appended, expected + count, Number(stored.at(-1)?.[1])]
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
    for (const { stream, hash, before } of group.truncations) {
      const { changes } = truncate.run(hash, stream, before, hash, stream)
      if (changes > 0) countRemoved.run(changes)
    }
    if (group.probe) saveProbe.run(group.atMs)
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

  return {
    head: () => head,
    write: (groups) => {
      const start = performance.now()
      const before = head
      const results: number[] = []
      begin.run()
      try {
        for (const group of groups) writeGroup(group, results)
        commitNow()
        return { kind: 'written', groups: groups.length, results, head, durationMs: performance.now() - start }
      } catch (error) {
        head = before
        rollBack()
        throw error
      }
    },
    close: () => {
      database.close()
    },
  }
}

/** Rows as arrays, which `setReturnArrays` gives and the types do not know. */
const rows = (result: unknown): SQLOutputValue[][] => result as SQLOutputValue[][]

const firstNumber = (row: unknown): number | undefined =>
  row === undefined ? undefined : Number((row as SQLOutputValue[])[0])
