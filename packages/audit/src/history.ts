import type { EventStore, RecordedEvent } from '@holdfast/core'

/** An event as a store keeps it: the bytes of its texts, not what they mean. */
export interface StoredEvent {
  /** Place in the global order. */
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
  /** False when the store cannot find the event by its stream. Absent: it can. */
  readonly indexed?: boolean
}

/** The first and the last revision that are asked for. */
export interface RevisionRange {
  readonly from: bigint
  readonly to: bigint
}

/** What an audit reads. `openSqliteHistory` of the SQLite adapter is one; {@link historyOfStore} makes one of any other store. */
export interface History {
  /** True when positions follow one another without gaps, so that a missing one is a missing event. */
  readonly gapless: boolean
  /** All events of the store as it is now, in global order, behind `after`. */
  events(after?: bigint): AsyncIterable<readonly StoredEvent[]>
  /** All events of a type, in global order. */
  eventsOfType(type: string): AsyncIterable<readonly StoredEvent[]>
  /** Events of one stream, by revision; default: all. */
  streamEvents(stream: string, range?: RevisionRange): Promise<readonly StoredEvent[]>
}

const pageSize = 500

/**
 * The history of a store through its port alone, for EventStoreDB. Its client gives events that are parsed already:
 * written again by `JSON.stringify`, which wrote them, they are the same bytes. A change that only touches the space
 * between them, or the order of equal names, is not seen.
 */
export function historyOfStore(store: EventStore): History {
  async function* catchUp(options: { readonly after?: bigint; readonly types?: readonly string[] }) {
    const end = new AbortController()
    try {
      for await (const batch of store.subscribe({ prefix: '', signal: end.signal, ...options })) {
        if (batch.events.length > 0) yield batch.events.map(storedOf)
        if (batch.caughtUp) return
      }
    } finally {
      end.abort()
    }
  }
  return {
    gapless: false,
    events: (after) => catchUp(after === undefined ? {} : { after }),
    eventsOfType: (type) => catchUp({ types: [type] }),
    async streamEvents(stream, range) {
      const events: StoredEvent[] = []
      const last = range?.to
      for (let from = range?.from ?? 0n; last === undefined || from <= last;) {
        const page = await store.read(stream, { direction: 'forwards', from, maxCount: pageSize })
        for (const event of page) if (last === undefined || event.revision <= last) events.push(storedOf(event))
        if (page.length < pageSize) break
        from += BigInt(pageSize)
      }
      return events
    },
  }
}

/** A recorded event as the store has it. */
export function storedOf(event: RecordedEvent): StoredEvent {
  const { position, stream, revision, recordedAtMs, id, type, data, metadata } = event
  return {
    position,
    stream,
    revision,
    recordedAtMs,
    id,
    type,
    data: Buffer.from(JSON.stringify(data)),
    metadata: Buffer.from(JSON.stringify(metadata)),
  }
}
