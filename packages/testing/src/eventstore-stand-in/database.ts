import { randomUUID } from 'node:crypto'
import type { AppendDecision, Expected } from './append-rules.ts'
import { decideAppend } from './append-rules.ts'
import type { FrameEvent } from './frame.ts'
import { decodeEvent, decodeFrame, encodeFrame, tombstoneRevision } from './frame.ts'
import type { IndexQueue } from './index-queue.ts'
import { createIndexQueue } from './index-queue.ts'
import { frameHeaderBytes, openLogFile } from './log-file.ts'
import { scavengeable } from './scavenge.ts'
import type { Entry, StreamMetadata, StreamState } from './stream-state.ts'
import {
  isExpired,
  isMetastream,
  lastRevision,
  metastreamOf,
  newStream,
  originalOf,
  parseMetadata,
  softDeletionJson,
  firstVisible,
} from './stream-state.ts'

export interface AppendRequest {
  readonly stream: string
  readonly expected: Expected
  readonly events: readonly FrameEvent[]
}

/** What became of an append. `written` is answered only once `onIndexed` was called. */
export type AppendOutcome =
  | { readonly kind: 'written' | 'idempotent'; readonly revision: number; readonly position: number | undefined }
  | Exclude<AppendDecision, { kind: 'write' | 'idempotent' }>

export interface Database {
  readonly index: IndexQueue
  /** Checks and writes. `onIndexed` is called when the write is on the disk and visible; only after `written`. */
  append(request: AppendRequest, onIndexed: () => void): AppendOutcome
  /** A deletion, soft (all metadata is replaced) or hard (a tombstone: the stream is gone for ever). */
  remove(
    request: { readonly stream: string; readonly expected: Expected; readonly hard: boolean },
    onIndexed: () => void,
  ): AppendOutcome
  /** The stream as indexed, or undefined. */
  stream(name: string): StreamState | undefined
  /** All entries in the order of the log; those from `index.count()` on are not indexed yet. */
  readonly log: readonly Entry[]
  content(entry: Entry): FrameEvent
  /** Removes what metadata and deletions have hidden, keeping each stream's last event; returns how many events went. */
  scavenge(): number
  close(): Promise<void>
  abandon(): void
}

export interface OpenDatabaseOptions {
  readonly dataFile: string
  readonly nowMs: () => number
  readonly unsafeNoSync: boolean
  readonly onFault: (error: Error) => void
}

/** How many ids the cache of recent writes holds; the server's is bounded by memory. */
const recentIds = 100_000

/** The stand-in's data: an index in memory over a log on the disk. */
export function openDatabase(options: OpenDatabaseOptions): Database {
  const streams = new Map<string, StreamState>()
  const log: Entry[] = []
  const recent = new Map<string, Entry>()
  const types = new Map<string, string>()
  /** What `$metadata` events say that are written but not indexed yet. */
  const unpublished = new Map<Entry, StreamMetadata>()

  const streamOf = (name: string): StreamState => {
    let stream = streams.get(name)
    if (!stream) streams.set(name, (stream = newStream(name)))
    return stream
  }

  /** Takes events that stand in the log into memory, where appends are checked against them. */
  function admit(placed: Placed): Entry[] {
    const stream = streamOf(placed.stream)
    const admitted = placed.events.map((event, index): Entry => {
      const place = placed.places[index] ?? { at: 0, end: 0 }
      let type = types.get(event.type)
      if (type === undefined) types.set(event.type, (type = event.type))
      const entry: Entry = {
        sequence: log.length,
        // An event begins where the one before it ends, also across frames, as records in the server's log do.
        position: index === 0 ? placed.offset - frameHeaderBytes : placed.offset + place.at,
        end: placed.offset + place.end,
        contentAt: placed.offset + place.at,
        stream,
        revision: placed.firstRevision === tombstoneRevision ? tombstoneRevision : placed.firstRevision + index,
        id: event.id,
        type,
        createdMs: placed.createdMs,
        scavenged: false,
      }
      log.push(entry)
      if (entry.revision === tombstoneRevision) stream.tombstone = entry
      else stream.entries.push(entry)
      return entry
    })
    const last = admitted.at(-1)
    const data = placed.events.at(-1)?.data
    if (last && data && isMetastream(placed.stream)) {
      const metadata = parseMetadata(data)
      streamOf(originalOf(placed.stream)).metadata = metadata
      unpublished.set(last, metadata)
    }
    return admitted
  }

  function scavengeBelow(marks: readonly { readonly stream: string; readonly below: number }[]): number {
    let gone = 0
    for (const mark of marks) {
      for (const entry of streamOf(mark.stream).entries) {
        if (entry.revision >= mark.below) break
        if (!entry.scavenged) gone += 1
        entry.scavenged = true
      }
    }
    return gone
  }

  const file = openLogFile({
    path: options.dataFile,
    unsafeNoSync: options.unsafeNoSync,
    onFault: options.onFault,
    onFrame(body, offset) {
      const { frame, places } = decodeFrame(body)
      if (frame.kind === 'scavenge') scavengeBelow(frame.streams)
      else for (const entry of admit({ ...frame, places, offset })) publishMetadata(entry)
    },
  })

  function publishMetadata(entry: Entry): void {
    const metadata = unpublished.get(entry)
    if (!metadata) return
    unpublished.delete(entry)
    streamOf(originalOf(entry.stream.name)).indexedMetadata = metadata
  }

  const index = createIndexQueue({ log, publish: publishMetadata })

  function content(entry: Entry): FrameEvent {
    const bytes = file.read(entry.contentAt, entry.end - entry.contentAt)
    return decodeEvent(bytes, 0).event
  }

  function write(request: AppendRequest & { readonly firstRevision: number }, onIndexed: () => void): Entry {
    const frame = { kind: 'events', createdMs: options.nowMs(), ...request } as const
    const { body, places } = encodeFrame(frame)
    const offset = file.nextBodyOffset()
    const entries = admit({ ...frame, places, offset })
    const last = entries.at(-1)
    if (!last) throw new Error('an append without events')
    for (const entry of entries) recent.set(entry.id, entry)
    for (const id of recent.keys()) {
      if (recent.size <= recentIds) break
      recent.delete(id)
    }
    file.append(body, () => {
      index.durable(last.sequence + 1, onIndexed)
    })
    return last
  }

  /** Writes the metadata that makes a soft-deleted stream visible from `from` on, its other members kept. */
  function undelete(stream: string, from: number): void {
    const metastream = metastreamOf(stream)
    const last = streams.get(metastream)?.entries.at(-1)
    const kept = last ? (JSON.parse(Buffer.from(content(last).data).toString('utf8')) as object) : {}
    const data = Buffer.from(JSON.stringify({ ...kept, $tb: from }), 'utf8')
    write(
      { ...metadataEvent(metastream, data), firstRevision: lastRevision(streams.get(metastream)) + 1 },
      () => undefined,
    )
  }

  const decide = (stream: string, expected: Expected, ids: readonly string[]): AppendDecision =>
    decideAppend({
      stream: streams.get(stream),
      expected,
      ids,
      hasMetadata: lastRevision(streams.get(metastreamOf(stream))) >= 0,
      indexedCount: index.count(),
      recent: (id) => recent.get(id),
    })

  /** Undefined where a read would not find the event: the server then answers without a position. */
  function readablePosition(entry: Entry): number | undefined {
    const { indexedMetadata, entries } = entry.stream
    const hidden =
      entry.revision < firstVisible(indexedMetadata, entries.length - 1) ||
      isExpired(entry, indexedMetadata, options.nowMs())
    return hidden ? undefined : entry.position
  }

  return {
    index,
    log,
    content,
    stream: (name) => streams.get(name),
    append(request, onIndexed) {
      const decision = decide(
        request.stream,
        request.expected,
        request.events.map((event) => event.id),
      )
      if (decision.kind === 'idempotent') {
        return { kind: 'idempotent', revision: decision.last.revision, position: readablePosition(decision.last) }
      }
      if (decision.kind !== 'write') return decision
      const original = isMetastream(request.stream) ? streams.get(originalOf(request.stream)) : undefined
      const deletedOriginal = original?.metadata.truncateBefore === Infinity
      const last = write({ ...request, firstRevision: decision.firstRevision }, onIndexed)
      if (decision.undelete) undelete(request.stream, decision.firstRevision)
      if (deletedOriginal && original) undelete(original.name, lastRevision(original) + 1)
      return { kind: 'written', revision: last.revision, position: last.position }
    },
    remove({ stream, expected, hard }, onIndexed) {
      const decision = decide(stream, expected, [randomUUID()])
      if (decision.kind !== 'write') return decision as AppendOutcome
      const metastream = metastreamOf(stream)
      if (hard) {
        const event = {
          id: randomUUID(),
          type: '$streamDeleted',
          isJson: false,
          data: new Uint8Array(),
          metadata: new Uint8Array(),
        }
        const last = write({ stream, expected, events: [event], firstRevision: tombstoneRevision }, onIndexed)
        return { kind: 'written', revision: last.revision, position: last.position }
      }
      const metaRevision = lastRevision(streams.get(metastream))
      if (lastRevision(streams.get(stream)) < 0 && metaRevision < 0)
        return { kind: 'wrong-expected-version', actual: -1 }
      const data = Buffer.from(softDeletionJson, 'utf8')
      const last = write({ ...metadataEvent(metastream, data), firstRevision: metaRevision + 1 }, onIndexed)
      return { kind: 'written', revision: last.revision, position: last.position }
    },
    scavenge() {
      const marks = scavengeable(streams.values(), options.nowMs())
      if (marks.length === 0) return 0
      file.append(encodeFrame({ kind: 'scavenge', streams: marks }).body, () => undefined)
      return scavengeBelow(marks)
    },
    async close() {
      await file.close()
      index.close()
    },
    abandon() {
      index.close()
      file.abandon()
    },
  }
}

interface Placed {
  readonly stream: string
  readonly createdMs: number
  readonly firstRevision: number
  readonly events: readonly FrameEvent[]
  readonly places: readonly { readonly at: number; readonly end: number }[]
  readonly offset: number
}

const metadataEvent = (metastream: string, data: Uint8Array): AppendRequest => ({
  stream: metastream,
  expected: 'any',
  events: [{ id: randomUUID(), type: '$metadata', isJson: true, data, metadata: new Uint8Array() }],
})
