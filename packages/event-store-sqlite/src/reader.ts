import type { JsonObject, LastRecord, ReadOptions, RecordedEvent } from '@holdfast/core'
import { openReader } from './connections.ts'
import { eventStoreErrorOf } from './fault-error.ts'
import { followRecent } from './follow-recent.ts'
import { createPages, eventColumns, eventOf, type EventRow, type Page, type PageQuery } from './pages.ts'
import type { AppendedEvents } from './protocol.ts'
import { inSnapshot, preparing } from './query.ts'
import { createStreamFilter } from './stream-filter.ts'
import type { StreamFilter } from './stream-filter.ts'
import { streamHash } from './stream-hash.ts'
import { createStreamRows } from './stream-rows.ts'
import type { StreamRow } from './stream-rows.ts'

/** Reads on the calling thread, through a connection of its own. Synchronous; sees every acknowledged write. */
export interface Reader {
  read(stream: string, options: ReadOptions): readonly RecordedEvent[]
  /** The stream's last event, without its data. */
  last(stream: string): LastRecord | undefined
  /** False: surely nobody has written to the stream. */
  mayHold(stream: string): boolean
  /** Tells of a stream that is about to be written: until then a read of a stream that was never written is not made. */
  willHold(hash: number): void
  /** Tells of what was written, in order: it does not look for more in the file until it misses something. */
  written(events: AppendedEvents): void
  /** Tells that the index of streams holds all up to here. */
  indexed(position: number): void
  /** What was written of late is not known: the next look finds it in the file. */
  lost(): void
  /** Others may have written: nothing is known of the streams any more but what is in the file now. */
  readAgain(): void
  page(query: PageQuery): Page
  checkpoint(name: string): number | undefined
  close(): void
}

/** The largest revision that can be asked for; SQLite would take more, a number of JavaScript would not. */
const lastRevision = Number.MAX_SAFE_INTEGER

/** Beyond this the filter would be too full to be worth the time that it takes to fill. */
const maxFilteredEvents = 8_000_000

export interface ReaderOptions {
  /**
   * It is told of what is written and of what will be, `written` and `willHold`; a filter answers for the streams that are not there, which most
   * reads ask for. False where another process writes. Default true.
   */
  readonly isTold?: boolean
}

export function createReader(path: string, { isTold = true }: ReaderOptions = {}): Reader {
  const database = openReader(path)
  const prepare = preparing(database)
  const { recent, catchUp } = followRecent(prepare)
  /** Nothing that was acknowledged is missing. */
  let complete = false
  const snapshot = inSnapshot(prepare)
  const rows = createStreamRows<EventRow>(prepare, recent, eventColumns)
  const lastRows = createStreamRows<LastRow>(prepare, recent, 'position, revision, recorded_at_ms, metadata')
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
  function filled(filter: StreamFilter): StreamFilter | undefined {
    const events = Number(prepare('SELECT coalesce(max(position), 0) FROM events').get()?.[0])
    if (events > maxFilteredEvents) return undefined
    const hashes = prepare(
      `SELECT hash FROM stream_index
       UNION ALL SELECT stream_hash FROM events WHERE position > (SELECT position FROM indexed)`,
    )
    for (const row of hashes.iterate()) filter.add(Number(row[0]))
    return filter
  }

  const atOnce = <T>(look: () => T): T => look()

  /** Rows of one stream, with all that was acknowledged. */
  function find<Row>(look: () => readonly Row[], inOne: typeof snapshot = atOnce): readonly Row[] {
    if (complete) {
      const rows = inOne(look)
      // A truncation may have removed all that is known here, behind an event that was not told yet.
      if (rows.length > 0) return rows
    }
    return snapshot(() => {
      catchUp()
      complete = isTold
      return look()
    })
  }

  guarded(catchUp)
  complete = isTold
  let known = isTold ? guarded(() => filled(createStreamFilter())) : undefined

  return {
    mayHold: (stream) => known?.mayHold(streamHash(stream)) !== false,
    willHold: (hash) => known?.add(hash),
    read: (stream, options) =>
      guarded(() => {
        const hash = streamHash(stream)
        if (known?.mayHold(hash) === false) return []
        const { direction, maxCount: limit } = options
        const from = Number(options.from === undefined || options.from > lastRevision ? lastRevision : options.from)
        const query = { stream, hash, limit }
        const found =
          direction === 'backwards'
            ? find(() => rows.backwards({ ...query, from }))
            : find(() => rows.forwards({ ...query, from: options.from === undefined ? 0 : from }), snapshot)
        return found.map(eventOf)
      }),
    last: (stream) => {
      const hash = streamHash(stream)
      if (known?.mayHold(hash) === false) return undefined
      const look = (): LastRow[] => lastRows.backwards({ stream, hash, from: lastRevision, limit: 1 })
      return guarded(() => lastRecordOf(stream, find(look)[0]))
    },
    written: ({ hash, count, revision, position }) => {
      // What is missing is looked for in the file, with all that came after it.
      if (!complete || position <= recent.end) return
      if (position - count !== recent.end) {
        complete = false
        return
      }
      for (let before = count - 1; before >= 0; before--)
        recent.add({ hash, position: position - before, revision: revision - before })
    },
    indexed: (position) => {
      recent.forget(position)
    },
    lost: () => {
      complete = false
    },
    readAgain: () => {
      complete = false
      const filter = known
      // What is about to be written stays in it.
      try {
        if (filter !== undefined) known = filled(filter)
      } catch {
        // Then it knows of none that it is not there, and whoever looks is told what is wrong with the file.
        known = undefined
      }
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

type LastRow = StreamRow & readonly [position: number, revision: number, recordedAtMs: number, metadata: string]

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
