import type { JsonObject, LastRecord, ReadOptions, RecordedEvent } from '@holdfast/core'
import { openReader } from './connections.ts'
import { eventStoreErrorOf } from './fault-error.ts'
import { createPages, eventColumns, eventOf, type EventRow, type Page, type PageQuery, type Query } from './pages.ts'
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
  const ofStream = `SELECT ${eventColumns} FROM events WHERE stream_hash = ? AND stream = ? AND revision`
  const forwards = prepare(`${ofStream} >= ? ORDER BY revision LIMIT ?`)
  const backwards = prepare(`${ofStream} <= ? ORDER BY revision DESC LIMIT ?`)
  const lastOfStream = prepare(
    `SELECT position, revision, recorded_at_ms, metadata FROM events WHERE stream_hash = ? AND stream = ?
     ORDER BY revision DESC LIMIT 1`,
  )
  const loadCheckpoint = prepare('SELECT position FROM checkpoints WHERE name = ?')

  const page = createPages(prepare)

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
        return (rows as EventRow[]).map(eventOf)
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
