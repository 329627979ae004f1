import { EventStoreError, type AppendResult, type ExpectedRevision, type NewEvent } from '@holdfast/core'
import type { JsonObject, ReadOptions, RecordedEvent } from '@holdfast/core'

export interface MemoryLogOptions {
  /** The store's own clock, milliseconds since the epoch. Default: the system's. */
  readonly nowMs?: () => number
  /** Largest `data` + `metadata` of an event, bytes of UTF-8. Default 1 MiB. */
  readonly maxEventBytes?: number
}

/** What survives every process: the events, and the checkpoints. Stores are opened on it. */
export interface MemoryLog {
  readonly maxEventBytes: number
  /** All of it happens in one step, as in a transaction. */
  append(stream: string, events: readonly NewEvent[], expectedRevision: ExpectedRevision): AppendResult
  read(stream: string, options: ReadOptions): readonly RecordedEvent[]
  /** Hides all events of the stream below a revision but the last. */
  truncate(stream: string, before: bigint): void
  /** Every event of a stream, or of all, oldest first: for assertions. */
  events(stream?: string): readonly RecordedEvent[]
  /** At most `count` events after a position, in global order. */
  readAll(after: bigint, count: number): readonly RecordedEvent[]
  /** Position of the last event; 0 for none. */
  end(): bigint
  readonly checkpoints: Map<string, bigint>
  /** Calls back after each write; the returned function ends that. */
  onWrite(callback: () => void): () => void
  /** A copy as of now, that goes its own way: a backup, a disk taken out of a dead machine. */
  snapshot(): MemoryLog
}

/** As on a disk: text, so that no caller changes what is stored, and only what JSON carries comes back. */
interface Stored {
  readonly event: Omit<RecordedEvent, 'data' | 'metadata'>
  readonly data: string
  readonly metadata: string
}

/** Positions have gaps, as those of real stores do: nothing may count on their being contiguous. */
const positionStep = 8n
const mebibyte = 1024 * 1024

export function createMemoryLog(options: MemoryLogOptions = {}): MemoryLog {
  return openLog(options, { written: [], checkpoints: new Map(), floors: new Map() })
}

/** What a log is opened on. */
interface Content {
  readonly written: readonly Stored[]
  readonly checkpoints: ReadonlyMap<string, bigint>
  /** Lowest revision that is left, by stream. */
  readonly floors: ReadonlyMap<string, number>
}

function openLog(options: MemoryLogOptions, { written, checkpoints, floors: removed }: Content): MemoryLog {
  const floors = new Map(removed)
  const isLeft = ({ event }: Stored): boolean => event.revision >= (floors.get(event.stream) ?? 0)
  const { nowMs = Date.now, maxEventBytes = mebibyte } = options
  const all = [...written]
  const streams = Map.groupBy(all, (stored) => stored.event.stream)
  const listeners = new Set<() => void>()

  const append = (stream: string, events: readonly NewEvent[], expected: ExpectedRevision): AppendResult => {
    const texts = events.map((event) => toTexts(event, maxEventBytes))
    const before = streams.get(stream) ?? []
    const start = expected === 'no_stream' ? 0 : Number(expected) + 1
    const repeated = events.every((event, at) => before[start + at]?.event.id === event.id)
    if (repeated) return appendedAt(before[start + events.length - 1])
    if (start !== before.length) {
      return { kind: 'conflict', actual: before.length === 0 ? 'no_stream' : BigInt(before.length - 1) }
    }
    const recordedAtMs = Math.round(nowMs())
    const stored = events.map(({ id, type }, at): Stored => {
      const position = BigInt(all.length + at + 1) * positionStep
      const event = { id, type, stream, revision: BigInt(start + at), position, recordedAtMs }
      return { event, ...(texts[at] ?? { data: '{}', metadata: '{}' }) }
    })
    all.push(...stored)
    before.push(...stored)
    streams.set(stream, before)
    for (const listener of [...listeners]) listener()
    return appendedAt(stored.at(-1))
  }

  return {
    maxEventBytes,
    append,
    read: (stream, { direction, from, maxCount }) => {
      const stored = streams.get(stream) ?? []
      if (direction === 'forwards') {
        const first = Math.max(Number(from ?? 0n), floors.get(stream) ?? 0)
        return stored.slice(first, first + maxCount).map(toRecorded)
      }
      const end = from === undefined ? stored.length : Math.min(stored.length, Number(from) + 1)
      return stored
        .slice(Math.max(0, end - maxCount), end)
        .filter(isLeft)
        .reverse()
        .map(toRecorded)
    },
    truncate: (stream, before) => {
      const last = (streams.get(stream)?.length ?? 0) - 1
      floors.set(stream, Math.max(floors.get(stream) ?? 0, Math.min(Number(before), last)))
    },
    events: (stream) => (stream === undefined ? all : (streams.get(stream) ?? [])).filter(isLeft).map(toRecorded),
    readAll: (after, count) => {
      const first = Number(after / positionStep)
      const left: Stored[] = []
      for (let at = first; at < all.length && left.length < count; at++) {
        const stored = all[at]
        if (stored !== undefined && isLeft(stored)) left.push(stored)
      }
      return left.map(toRecorded)
    },
    end: () => BigInt(all.length) * positionStep,
    checkpoints: new Map(checkpoints),
    onWrite: (callback) => {
      listeners.add(callback)
      return () => {
        listeners.delete(callback)
      }
    },
    snapshot() {
      return openLog(options, { written: all, checkpoints: this.checkpoints, floors })
    },
  }
}

function toTexts(event: NewEvent, maxEventBytes: number): Pick<Stored, 'data' | 'metadata'> {
  const [data, metadata] = [JSON.stringify(event.data), JSON.stringify(event.metadata)]
  const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata)
  if (bytes > maxEventBytes) {
    throw new EventStoreError('event-too-large', `the event has ${bytes} bytes, and ${maxEventBytes} are allowed`)
  }
  return { data, metadata }
}

function appendedAt(last: Stored | undefined): AppendResult {
  if (last === undefined) throw new TypeError('an append needs at least one event')
  return { kind: 'appended', revision: last.event.revision, position: last.event.position }
}

const toRecorded = ({ event, data, metadata }: Stored): RecordedEvent => ({
  ...event,
  data: JSON.parse(data) as JsonObject,
  metadata: JSON.parse(metadata) as JsonObject,
})
