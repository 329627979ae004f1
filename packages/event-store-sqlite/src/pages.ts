import type { JsonObject, RecordedEvent } from '@holdfast/core'
import { inSnapshot } from './query.ts'
import type { Prepare } from './query.ts'
import type { SQLOutputValue } from './sqlite.ts'

/** A stretch of the global order. */
export interface PageQuery {
  readonly after: number
  readonly upTo: number
  /** Only streams whose name starts with this, taken literally. */
  readonly prefix: string
  /** Only these types; undefined for all. */
  readonly types: ReadonlySet<string> | undefined
  /** At most this many events are looked at. */
  readonly limit: number
}

export interface Page {
  readonly events: readonly RecordedEvent[]
  /** Everything up to here was looked at. */
  readonly position: number
}

export type EventRow = [
  position: number,
  revision: number,
  recordedAtMs: number,
  stream: string,
  id: string,
  type: string,
  data: string,
  metadata: string,
]

/** What an {@link EventRow} is made of. */
export const eventColumns = 'position, revision, recorded_at_ms, stream, id, type, data, metadata'

export const eventOf = ([
  position,
  revision,
  recordedAtMs,
  stream,
  id,
  type,
  data,
  metadata,
]: EventRow): RecordedEvent => ({
  id,
  type,
  data: JSON.parse(data) as JsonObject,
  metadata: JSON.parse(metadata) as JsonObject,
  stream,
  revision: BigInt(revision),
  position: BigInt(position),
  recordedAtMs,
})

/** A page ends once it holds so much text: events may be large, and a page is in memory whole. */
const maxPageCharacters = 2 * 1024 * 1024

/**
 * Rows that are taken from SQLite at once: one by one they cost a third more, and a whole page of them stays in memory
 * beside the objects that are made of it.
 */
const rowsAtOnce = 50
/** A text of more bytes is not among them, but taken alone. */
const largestTextAtOnce = 16 * 1024

/** Where at least one event in so many is of the types that are asked for, all are walked through, and the others left out. */
const sparsest = 4

/** Reads the global order, page by page, through a reading connection. */
export function createPages(prepare: Prepare): (query: PageQuery) => Page {
  const textAtOnce = (column: string): string =>
    `CASE WHEN octet_length(${column}) <= ${largestTextAtOnce} THEN ${column} END`
  const columnsAtOnce = `position, revision, recorded_at_ms, stream, id, type, ${textAtOnce('data')}, ${textAtOnce('metadata')}`
  const stretch = prepare(
    `SELECT ${columnsAtOnce} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT +?`,
  )
  const positionsOfType = prepare(
    'SELECT position FROM events WHERE type = ? AND position > ? AND position <= ? ORDER BY position LIMIT +?',
  )
  const one = prepare(`SELECT ${eventColumns} FROM events WHERE position = ?`)
  // The plus keeps SQLite from the index on types: the rows lie side by side.
  const stretchOfTypes = prepare(
    `SELECT ${columnsAtOnce} FROM events WHERE position BETWEEN ? AND ? AND +type IN (SELECT value FROM json_each(?))
     ORDER BY position`,
  )

  /** The next positions of these types, from the index alone; at most `limit`. */
  function positionsOf(types: ReadonlySet<string>, { after, upTo, limit }: PageQuery): number[] {
    return [...types]
      .flatMap((type) => positionsOfType.all(type, after, upTo, limit).map((row) => Number(row[0])))
      .sort((a, b) => a - b)
      .slice(0, limit)
  }

  /** The next rows behind `after`, of at most `limit`; none when there are no more. */
  type NextRows = (after: number, limit: number) => SQLOutputValue[][]

  function rowsOf(query: PageQuery): NextRows {
    const { types, upTo } = query
    if (types === undefined) return (after, limit) => stretch.all(after, upTo, limit)
    const positions = positionsOf(types, query)
    const dense = (positions.at(-1) ?? 0) - (positions[0] ?? 0) < positions.length * sparsest
    const wanted = JSON.stringify([...types])
    let at = 0
    return (_, limit) => {
      // Alone, since each of them may be large.
      const next = positions.slice(at, at + (dense ? limit : 1))
      at += next.length
      if (!dense) return next.map((position) => one.get(position) as EventRow)
      return next.length === 0 ? [] : stretchOfTypes.all(Number(next[0]), Number(next.at(-1)), wanted)
    }
  }

  function page(query: PageQuery): Page {
    const { after, upTo, prefix, limit } = query
    const events: RecordedEvent[] = []
    const nextRows = rowsOf(query)
    let position = after
    let characters = 0
    for (let left = limit; left > 0;) {
      const rows = nextRows(position, Math.min(left, rowsAtOnce))
      if (rows.length === 0) return { events, position: upTo }
      left -= rows.length
      for (const found of rows as EventRow[]) {
        position = found[0]
        // A text that is left out comes as null.
        const row = found[6] === null || found[7] === null ? (one.get(position) as EventRow) : found
        characters += row[6].length + row[7].length
        if (row[3].startsWith(prefix)) events.push(eventOf(row))
        if (characters >= maxPageCharacters) return { events, position }
      }
    }
    return { events, position }
  }

  const snapshot = inSnapshot(prepare)
  // What the first statement finds is not removed before the next.
  return (query) => snapshot(() => page(query))
}
