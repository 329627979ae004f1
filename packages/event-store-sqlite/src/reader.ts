import type { JsonObject, LastRecord, ReadOptions, RecordedEvent } from '@holdfast/core'
import { openReader } from './connections.ts'
import { eventStoreErrorOf } from './fault-error.ts'
import type { SQLInputValue, SQLOutputValue } from './sqlite.ts'
import { createStreamFilter } from './stream-filter.ts'
import type { StreamFilter } from './stream-filter.ts'
import { streamHash } from './stream-hash.ts'

/** Reads on the calling thread, through a connection of its own. Synchronous; sees every acknowledged write. */
export interface Reader {
  read(stream: string, options: ReadOptions): readonly RecordedEvent[]
  /** The stream's last event, without its data. */
  last(stream: string): LastRecord | undefined
  /** False: surely nobody has written to the stream. */
  mayHold(stream: string): boolean
  /** Tells of a stream that is about to be written: until then a read of a stream that was never written is not made. */
  willHold(hash: number): void
  page(query: PageQuery): Page
  checkpoint(name: string): number | undefined
  close(): void
}

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

/** A page ends once it holds so much text: events may be large, and a page is in memory whole. */
const maxPageCharacters = 2 * 1024 * 1024

const columns = 'position, revision, recorded_at_ms, stream, id, type, data, metadata'
type Row = [
  position: number,
  revision: number,
  recordedAtMs: number,
  stream: string,
  id: string,
  type: string,
  data: string,
  metadata: string,
]

/** Where at least one event in so many is of the types that are asked for, all are walked through, and the others left out. */
const sparsest = 4

/** The largest revision that can be asked for; SQLite would take more, a number of JavaScript would not. */
const lastRevision = Number.MAX_SAFE_INTEGER

/** Beyond this the filter would be too full to be worth the time that it takes to fill. */
const maxFilteredEvents = 8_000_000

export interface ReaderOptions {
  /** Most reads are of streams that are not there: a filter answers those. Needs `willHold`. Default true. */
  readonly expectsNewKeys?: boolean
}

export function createReader(path: string, { expectsNewKeys = true }: ReaderOptions = {}): Reader {
  const database = openReader(path)
  const prepare = (sql: string): Query => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    // The types do not know of `setReturnArrays`.
    return statement as unknown as Query
  }
  const ofStream = `SELECT ${columns} FROM events WHERE stream_hash = ? AND stream = ? AND revision`
  const forwards = prepare(`${ofStream} >= ? ORDER BY revision LIMIT ?`)
  const backwards = prepare(`${ofStream} <= ? ORDER BY revision DESC LIMIT ?`)
  const lastOfStream = prepare(
    `SELECT position, revision, recorded_at_ms, metadata FROM events WHERE stream_hash = ? AND stream = ?
     ORDER BY revision DESC LIMIT 1`,
  )
  const stretch = prepare(
    `SELECT ${columns} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
  )
  const positionsOfType = prepare(
    'SELECT position FROM events WHERE type = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?',
  )
  const one = prepare(`SELECT ${columns} FROM events WHERE position = ?`)
  // The plus keeps SQLite from the index on types: the rows lie side by side.
  const stretchOfTypes = prepare(
    `SELECT ${columns} FROM events WHERE position BETWEEN ? AND ? AND +type IN (SELECT value FROM json_each(?))
     ORDER BY position`,
  )
  const loadCheckpoint = prepare('SELECT position FROM checkpoints WHERE name = ?')

  function* rowsOf(query: PageQuery): Iterable<Row> {
    if (query.types === undefined) {
      yield* stretch.iterate(query.after, query.upTo, query.limit) as Iterable<Row>
      return
    }
    const positions = positionsOf(query.types, query)
    const [first = 0] = positions
    const last = positions.at(-1) ?? 0
    if (last - first < positions.length * sparsest) {
      yield* stretchOfTypes.iterate(first, last, JSON.stringify([...query.types])) as Iterable<Row>
      return
    }
    for (const position of positions) yield one.get(position) as Row
  }

  /** The next positions of these types, from the index alone; at most `limit`. */
  function positionsOf(types: ReadonlySet<string>, query: PageQuery): number[] {
    return [...types]
      .flatMap((type) => positionsOfType.all(type, query.after, query.upTo, query.limit).map((row) => Number(row[0])))
      .sort((a, b) => a - b)
      .slice(0, query.limit)
  }

  function page(query: PageQuery): Page {
    const events: RecordedEvent[] = []
    let position = query.after
    let seen = 0
    let characters = 0
    for (const row of rowsOf(query)) {
      position = row[0]
      seen += 1
      characters += row[6].length + row[7].length
      if (row[3].startsWith(query.prefix)) events.push(eventOf(row))
      if (characters >= maxPageCharacters) return { events, position }
    }
    return { events, position: seen < query.limit ? query.upTo : position }
  }

  const guarded = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw eventStoreErrorOf(error, path)
    }
  }

  /** One walk through the index of streams: about 0.2 s for a million events. */
  function fillFilter(): StreamFilter | undefined {
    const events = Number(prepare('SELECT coalesce(max(position), 0) FROM events').get()?.[0])
    if (events > maxFilteredEvents) return undefined
    const filter = createStreamFilter()
    for (const row of prepare('SELECT stream_hash FROM events INDEXED BY events_by_stream').iterate())
      filter.add(Number(row[0]))
    return filter
  }

  const known = expectsNewKeys ? guarded(fillFilter) : undefined

  return {
    mayHold: (stream) => known?.mayHold(streamHash(stream)) !== false,
    willHold: (hash) => known?.add(hash),
    read: (stream, options) =>
      guarded(() => {
        const hash = streamHash(stream)
        if (known?.mayHold(hash) === false) return []
        const { direction, from, maxCount } = options
        const start = from === undefined ? undefined : Number(from > lastRevision ? lastRevision : from)
        const rows =
          direction === 'forwards'
            ? forwards.all(hash, stream, start ?? 0, maxCount)
            : backwards.all(hash, stream, start ?? lastRevision, maxCount)
        return (rows as Row[]).map(eventOf)
      }),
    last: (stream) => {
      const hash = streamHash(stream)
      if (known?.mayHold(hash) === false) return undefined
      return guarded(() => lastRecordOf(stream, lastOfStream.get(hash, stream) as LastRow | undefined))
    },
    page: (query) => guarded(() => page(query)),
    checkpoint: (name) =>
      guarded(() => {
        const row = loadCheckpoint.get(name)
        return row === undefined ? undefined : Number(row[0])
      }),
    close: () => {
      database.close()
    },
  }
}

/** A statement whose rows are arrays. */
interface Query {
  all(...values: SQLInputValue[]): SQLOutputValue[][]
  get(...values: SQLInputValue[]): SQLOutputValue[] | undefined
  iterate(...values: SQLInputValue[]): Iterable<SQLOutputValue[]>
}

type LastRow = [position: number, revision: number, recordedAtMs: number, metadata: string]

function lastRecordOf(stream: string, row: LastRow | undefined): LastRecord | undefined {
  if (row === undefined) return undefined
  const [position, revision, recordedAtMs, metadata] = row
  return {
    stream,
    revision: BigInt(revision),
    position: BigInt(position),
    recordedAtMs,
    metadata: JSON.parse(metadata) as JsonObject,
  }
}

const eventOf = ([position, revision, recordedAtMs, stream, id, type, data, metadata]: Row): RecordedEvent => ({
  id,
  type,
  data: JSON.parse(data) as JsonObject,
  metadata: JSON.parse(metadata) as JsonObject,
  stream,
  revision: BigInt(revision),
  position: BigInt(position),
  recordedAtMs,
})
