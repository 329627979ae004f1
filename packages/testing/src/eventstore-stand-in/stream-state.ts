/** What a stream's metadata says of visibility. Other members are kept in the event and mean nothing here. */
export interface StreamMetadata {
  readonly maxAgeMs: number | undefined
  readonly maxCount: number | undefined
  /** `$tb`: revisions below are invisible. Infinity: the stream is soft-deleted. */
  readonly truncateBefore: number | undefined
}

/** An event's place in the log; its content stays on the disk. */
export interface Entry {
  /** Number in the order of the log, scavenged ones included: what is indexed is a prefix of it. */
  readonly sequence: number
  /** Offset in the file: the commit position. */
  readonly position: number
  /** Offset of what follows it. */
  readonly end: number
  /** Offset in the file at which its content begins. */
  readonly contentAt: number
  readonly stream: StreamState
  readonly revision: number
  readonly id: string
  readonly type: string
  readonly createdMs: number
  scavenged: boolean
}

export interface StreamState {
  readonly name: string
  /** By revision, written but not yet indexed ones included. */
  readonly entries: Entry[]
  /** As of the last write, indexed or not: what an append is checked against. */
  metadata: StreamMetadata
  /** As of the last indexed write: what a read sees. */
  indexedMetadata: StreamMetadata
  /** Tombstoned: for ever. */
  tombstone: Entry | undefined
}

const noMetadata: StreamMetadata = { maxAgeMs: undefined, maxCount: undefined, truncateBefore: undefined }

/** A metastream keeps its last event only. */
const metastreamMetadata: StreamMetadata = { ...noMetadata, maxCount: 1 }

/** `$tb` of a soft-deleted stream: 2^63 - 1, which as a number is this. */
const softDeletedTruncateBefore = 9_223_372_036_854_775_807

export const isMetastream = (name: string): boolean => name.startsWith('$$')
export const metastreamOf = (name: string): string => `$$${name}`
export const originalOf = (metastream: string): string => metastream.slice(2)

export const newStream = (name: string): StreamState => {
  const metadata = isMetastream(name) ? metastreamMetadata : noMetadata
  return { name, entries: [], metadata, indexedMetadata: metadata, tombstone: undefined }
}

/** Reads the content of a `$metadata` event; what is not valid counts as absent, as in the server. */
export function parseMetadata(data: Uint8Array): StreamMetadata {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(data).toString('utf8'))
  } catch {
    return noMetadata
  }
  if (typeof json !== 'object' || json === null) return noMetadata
  const positive = (name: string): number | undefined => {
    const value = (json as Record<string, unknown>)[name]
    return typeof value === 'number' && value >= 0 ? value : undefined
  }
  const maxAge = positive('$maxAge')
  const truncateBefore = positive('$tb')
  return {
    maxAgeMs: maxAge === undefined ? undefined : maxAge * 1_000,
    maxCount: positive('$maxCount'),
    truncateBefore:
      truncateBefore !== undefined && truncateBefore >= softDeletedTruncateBefore ? Infinity : truncateBefore,
  }
}

/** Metadata as JSON text; a soft deletion's `$tb` is written as the server does. */
export const softDeletionJson = `{"$tb":9223372036854775807}`

/** Revision of the last event, or -1. Written but not indexed ones count. */
export const lastRevision = (stream: StreamState | undefined): number => (stream?.entries.length ?? 0) - 1

export const isSoftDeleted = (metadata: StreamMetadata): boolean => metadata.truncateBefore === Infinity

/** The lowest revision that may be visible, given the revision of the last event. */
export function firstVisible(metadata: StreamMetadata, last: number): number {
  return Math.max(0, metadata.truncateBefore ?? 0, metadata.maxCount === undefined ? 0 : last - metadata.maxCount + 1)
}

export const isExpired = (entry: Entry, metadata: StreamMetadata, nowMs: number): boolean =>
  metadata.maxAgeMs !== undefined && entry.createdMs < nowMs - metadata.maxAgeMs
