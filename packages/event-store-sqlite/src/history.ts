import { statSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EventStore } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import { openReader, pragmaNumber } from './connections.ts'
import { dataDirOf } from './data-dir.ts'
import { defaultMaxEventBytes } from './limits.ts'
import { eventStoreErrorOf } from './fault-error.ts'
import { FaultError } from './faults.ts'
import { followRecent } from './follow-recent.ts'
import { createHead } from './head.ts'
import { checkIdentity } from './prepare-database.ts'
import { inSnapshot, preparing } from './query.ts'
import { createReader } from './reader.ts'
import { schemaVersion } from './schema.ts'
import type { Database } from './sqlite.ts'
import { streamHash } from './stream-hash.ts'
import { createStreamRows } from './stream-rows.ts'
import { subscription } from './subscription.ts'
import { blockColumn, createTypeSearch } from './type-blocks.ts'

/** An event as it lies in the file: the bytes of its texts, not what they mean. */
export interface StoredEvent {
  readonly position: bigint
  readonly stream: string
  readonly revision: bigint
  /** The store's clock, milliseconds since the epoch. */
  readonly recordedAtMs: number
  readonly id: string
  readonly type: string
  /** JSON in UTF-8, as it was written. */
  readonly data: Uint8Array
  readonly metadata: Uint8Array
  /** False when reads of its stream or its type do not find it: it stands under the number of another stream, or not in an index. */
  readonly indexed: boolean
}

/** The first and the last revision that are asked for. */
export interface RevisionRange {
  readonly from: bigint
  readonly to: bigint
}

/** The history of a data folder, read beside the process that serves it. */
export interface SqliteHistory extends AsyncDisposable {
  /** Positions are given out without gaps, so that a missing one is an event that was removed, or lost. */
  readonly gapless: true
  /** All events of the store as it is now, in global order, behind `after`. */
  events(after?: bigint): AsyncIterable<readonly StoredEvent[]>
  /** All events of a type in the store as it is now, in global order. */
  eventsOfType(type: string): AsyncIterable<readonly StoredEvent[]>
  /** Events of one stream as the file has them, by revision; default: all. */
  streamEvents(stream: string, range?: RevisionRange): Promise<readonly StoredEvent[]>
  /** The port, for what only reads: appends are refused; subscriptions end at the last event of the opening, then wait. */
  readonly store: EventStore
  close(): Promise<void>
}

/** A page ends once it holds so many bytes: events may be large. */
const maxPageBytes = 4 * 1024 * 1024
const maxPageEvents = 1_000
/** Each event may be of the largest size. */
const maxTypePage = 50

/** The last one: whether looks by the indexes find the row; those of newer streams are found without. */
const columns = `position, revision, recorded_at_ms, stream_hash, stream, id, type,
  CAST(data AS BLOB), CAST(metadata AS BLOB), (position > (SELECT position FROM indexed) OR EXISTS (
    SELECT 1 FROM stream_index AS entry
    WHERE entry.hash = stream_hash AND entry.at_revision = revision AND entry.at_position = position))
  AND EXISTS (SELECT 1 FROM type_blocks AS entry WHERE entry.name = type AND entry.block = ${blockColumn})` as const
type Row = readonly [
  position: number,
  revision: number,
  recordedAtMs: number,
  streamHash: number,
  stream: string,
  id: string,
  type: string,
  data: Uint8Array<ArrayBuffer>,
  metadata: Uint8Array<ArrayBuffer>,
  found: number,
]

/**
 * Opens the history of a data folder to read it. It takes no lock and writes nothing, so that it works while a server has
 * the folder, and sees what that one acknowledges.
 *
 * @throws EventStoreError `unavailable` when there is no store, or one of a newer schema; `corrupt` when it is none
 */
export function openSqliteHistory(options: { readonly dataDir: string }): SqliteHistory {
  const { database: path } = dataDirOf(options.dataDir)
  // SQLite's own words for a file that is not there are "unable to open database file".
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new EventStoreError('unavailable', `there is no event store at ${path}`)
  }
  let database: Database | undefined
  try {
    database = openReader(path)
    checkIdentity(database, path)
    assertCurrent(database, path)
    return historyOf(database, path)
  } catch (error) {
    database?.close()
    throw eventStoreErrorOf(error, path)
  }
}

/** What only reads cannot bring an older schema up to date. */
function assertCurrent(database: Database, path: string): void {
  const version = pragmaNumber(database, 'user_version')
  if (version === schemaVersion) return
  throw new FaultError(
    'unavailable',
    `the event store ${path} has schema ${version}, and this version of Holdfast reads schema ${schemaVersion}: ` +
      'start its server on the folder once, which brings the store up to date',
  )
}

function historyOf(database: Database, path: string): SqliteHistory {
  const prepare = preparing(database)
  const { recent, catchUp } = followRecent(prepare)
  const snapshot = inSnapshot(prepare)
  const lastPosition = prepare('SELECT coalesce(max(position), 0) FROM events')
  const stretch = prepare(
    `SELECT ${columns} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT +?`,
  )
  const ofStream = createStreamRows<Row>(prepare, recent, columns)
  const ofType = prepare(
    `SELECT ${columns} FROM events WHERE position BETWEEN ? AND ? AND type = ? ORDER BY position LIMIT +?`,
  )
  const searchOf = createTypeSearch(prepare)
  const reader = createReader(path, { isTold: false })
  const head = createHead()
  let open = true

  const guarded = <T>(work: () => T): T => {
    if (!open) throw new EventStoreError('closed', `the event store ${path} is closed`)
    try {
      return work()
    } catch (error) {
      throw eventStoreErrorOf(error, path)
    }
  }
  const last = (): number => guarded(() => Number(lastPosition.get()?.[0]))
  head.moveTo(last())

  function page(after: number, upTo: number): StoredEvent[] {
    const events: StoredEvent[] = []
    let bytes = 0
    for (const row of stretch.iterate(after, upTo, maxPageEvents) as Iterable<unknown> as Iterable<Row>) {
      events.push(eventOf(row))
      bytes += row[7].length + row[8].length
      if (bytes >= maxPageBytes) break
    }
    return events
  }

  // From the lowest that there can be: a row before position 1 was put there by hand.
  async function* events(after = BigInt(Number.MIN_SAFE_INTEGER)): AsyncGenerator<readonly StoredEvent[]> {
    const upTo = last()
    for (let from = Number(after); ; await nextTurn()) {
      const found = guarded(() => page(from, upTo))
      const end = found.at(-1)
      if (end === undefined) return
      from = Number(end.position)
      yield found
    }
  }

  async function* eventsOfType(type: string): AsyncGenerator<readonly StoredEvent[]> {
    const next = searchOf([type], last())
    for (let after = 0; ; await nextTurn()) {
      const block = guarded(() => next(after))
      if (block === undefined) return
      const rows = guarded(() => ofType.all(block.first, block.last, type, maxTypePage)) as unknown as Row[]
      after = rows.length < maxTypePage ? block.last : Number(rows.at(-1)?.[0])
      if (rows.length > 0) yield rows.map(eventOf)
    }
  }

  const refuse = async (): Promise<never> => {
    throw new EventStoreError('unavailable', `the event store ${path} is open to be read only`)
  }
  const close = async (): Promise<void> => {
    if (!open) return
    open = false
    head.wakeAll()
    reader.close()
    database.close()
  }
  const assertOpen = (): void => {
    guarded(() => undefined)
  }
  const store: EventStore = {
    maxEventBytes: defaultMaxEventBytes,
    append: refuse,
    truncate: refuse,
    checkWritable: refuse,
    read: async (stream, options) => guarded(() => reader.read(stream, options)),
    subscribe: (options) => subscription({ reader, head, assertOpen }, options),
    close,
  }
  return {
    gapless: true,
    events,
    eventsOfType,
    streamEvents: async (stream, { from, to } = allRevisions) =>
      guarded(() => {
        const query = { stream, hash: streamHash(stream), from, limit: maxRevisions }
        const rows = snapshot(() => {
          catchUp()
          return ofStream.forwards(query)
        })
        return rows.filter((row) => row[1] <= to).map(eventOf)
      }),
    store,
    close,
    [Symbol.asyncDispose]: close,
  }
}

const maxRevisions = Number.MAX_SAFE_INTEGER
/** Also those that no revision may have. */
const allRevisions: RevisionRange = { from: -(2n ** 63n), to: 2n ** 63n - 1n }

const eventOf = ([
  position,
  revision,
  recordedAtMs,
  hash,
  stream,
  id,
  type,
  data,
  metadata,
  found,
]: Row): StoredEvent => ({
  position: BigInt(position),
  stream,
  revision: BigInt(revision),
  recordedAtMs,
  id,
  type,
  data,
  metadata,
  indexed: found === 1 && hash === streamHash(stream),
})
