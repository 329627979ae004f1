import type { Prepare, Query } from './query.ts'
import type { RecentEvents } from './recent-events.ts'
import type { SQLOutputValue } from './sqlite.ts'

/** The rest of a row are the columns that were asked for. */
export type StreamRow = readonly [position: number, revision: number, ...SQLOutputValue[]]

export interface StreamQuery {
  readonly stream: string
  /** See stream-hash.ts. */
  readonly hash: number
  /** The first revision that is wanted, or backwards the last. */
  readonly from: number | bigint
  readonly limit: number
}

/** Rows of one stream, in the order of their revisions or against it. */
export interface StreamRows<Row> {
  forwards(query: StreamQuery): Row[]
  backwards(query: StreamQuery): Row[]
}

/**
 * Finds the events of a stream: the older ones by the index, the last ones by what is in memory of those that are not in
 * it. A stream's later events have larger positions, runs come into the index in their order, and of a run all events of a
 * hash together: so what the index has of a stream is its beginning, and what is in memory its end. Where both know an event,
 * it is taken once.
 *
 * Reads forwards are to be made in one transaction: a truncation between their statements would leave a hole.
 *
 * @param columns of `events`; the first are `position, revision`
 */
export function createStreamRows<Row extends StreamRow>(
  prepare: Prepare,
  recent: RecentEvents,
  columns: `position, revision${string}`,
): StreamRows<Row> {
  // CROSS JOIN: SQLite keeps this order of the tables. An entry of the index that does not tell the row's revision is not believed.
  const indexed = (bounds: string): Query =>
    prepare(
      `SELECT ${columns} FROM stream_index CROSS JOIN events ON position = at_position AND revision = at_revision
       WHERE hash = ? AND stream = ? AND at_revision ${bounds} LIMIT +?`,
    )
  const ascending = indexed('>= ? ORDER BY at_revision')
  const descending = indexed('<= ? ORDER BY at_revision DESC')
  const one = prepare(`SELECT ${columns} FROM events WHERE position = ? AND stream = ?`)

  const rowAt = (position: number, stream: string): Row | undefined => one.get(position, stream) as Row | undefined

  return {
    forwards({ stream, hash, from, limit }) {
      const rows = ascending.all(hash, stream, from, limit) as unknown as Row[]
      const last = rows.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY
      if (rows.length >= limit) return rows
      const newer: number[] = []
      for (const { position, revision } of recent.eventsOf(hash)) {
        if (position <= last) break
        if (revision >= from) newer.push(position)
        // Not where it is another stream's, whose hash is the same.
        else if (rowAt(position, stream) !== undefined) break
      }
      for (const position of newer.reverse()) {
        if (rows.length >= limit) break
        const row = rowAt(position, stream)
        if (row !== undefined) rows.push(row)
      }
      return rows
    },
    backwards({ stream, hash, from, limit }) {
      const rows: Row[] = []
      let before: number | bigint = from
      for (const { position, revision } of recent.eventsOf(hash)) {
        if (rows.length >= limit) return rows
        const row = revision > from ? undefined : rowAt(position, stream)
        if (row === undefined) continue
        rows.push(row)
        before = revision - 1
      }
      const wanted = limit - rows.length
      if (wanted > 0) rows.push(...(descending.all(hash, stream, before, wanted) as unknown as Row[]))
      return rows
    },
  }
}
