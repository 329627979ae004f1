import type { JsonObject, RecordedEvent } from '@holdfast/core'
import { inSnapshot } from './query.ts'
import type { Prepare } from './query.ts'
import type { SQLOutputValue } from './sqlite.ts'
import { blockLength, createTypeSearch } from './type-blocks.ts'

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
const rowsAtOnce = blockLength
/** A text of more bytes is not among them, but taken alone. */
const largestTextAtOnce = 16 * 1024

/** What a look through a block for some types counts at least, of the events that a page looks at: most are left out unread. */
const costOfBlock = 8

/** Some of the next rows, and up to where there are no others. */
interface Rows {
  readonly rows: readonly SQLOutputValue[][]
  readonly end: number
  /** What they count of the events that the page looks at. */
  readonly cost: number
}

/** Reads the global order, page by page, through a reading connection. */
export function createPages(prepare: Prepare): (query: PageQuery) => Page {
  const textAtOnce = (column: string): string =>
    `CASE WHEN octet_length(${column}) <= ${largestTextAtOnce} THEN ${column} END`
  const columnsAtOnce = `position, revision, recorded_at_ms, stream, id, type, ${textAtOnce('data')}, ${textAtOnce('metadata')}`
  const stretch = prepare(
    `SELECT ${columnsAtOnce} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT +?`,
  )
  const stretchOfTypes = prepare(
    `SELECT ${columnsAtOnce} FROM events WHERE position BETWEEN ? AND ? AND type IN (SELECT value FROM json_each(?))
     ORDER BY position LIMIT +?`,
  )
  const one = prepare(`SELECT ${eventColumns} FROM events WHERE position = ?`)
  const searchOf = createTypeSearch(prepare)

  const lastOf = (rows: readonly SQLOutputValue[][]): number => Number(rows.at(-1)?.[0])

  /** The next of at most `limit`, which may be none though `end` is not the end of the query. */
  type NextRows = (after: number, limit: number) => Rows

  function rowsOf({ types, upTo }: PageQuery): NextRows {
    if (types === undefined) {
      return (after, limit) => {
        const rows = stretch.all(after, upTo, limit)
        return { rows, end: rows.length < limit ? upTo : lastOf(rows), cost: rows.length }
      }
    }
    const wanted = JSON.stringify([...types])
    const nextBlock = searchOf(types, upTo)
    return (after, limit) => {
      const block = nextBlock(after)
      if (block === undefined) return { rows: [], end: upTo, cost: 0 }
      const rows = stretchOfTypes.all(block.first, block.last, wanted, limit)
      return { rows, end: rows.length < limit ? block.last : lastOf(rows), cost: Math.max(rows.length, costOfBlock) }
    }
  }

  function page(query: PageQuery): Page {
    const { after, upTo, prefix, limit } = query
    const events: RecordedEvent[] = []
    const nextRows = rowsOf(query)
    let position = after
    let characters = 0
    for (let left = limit; left > 0 && position < upTo;) {
      const { rows, end, cost } = nextRows(position, Math.min(left, rowsAtOnce))
      for (const found of rows as EventRow[]) {
        position = found[0]
        // A text that is left out comes as null.
        const row = found[6] === null || found[7] === null ? (one.get(position) as EventRow) : found
        characters += row[6].length + row[7].length
        if (row[3].startsWith(prefix)) events.push(eventOf(row))
        if (characters >= maxPageCharacters) return { events, position }
      }
      position = end
      left -= cost
    }
    return { events, position }
  }

  const snapshot = inSnapshot(prepare)
  // What the first statement finds is not removed before the next.
  return (query) => snapshot(() => page(query))
}
