import type { Entry, StreamState } from './stream-state.ts'
import { isSoftDeleted, lastRevision } from './stream-state.ts'

/** Revision of the last event, or one of the protocol's words. */
export type Expected = number | 'no_stream' | 'any' | 'stream_exists'

export interface AppendCheck {
  readonly stream: StreamState | undefined
  readonly expected: Expected
  readonly ids: readonly string[]
  /** True when the stream's metastream has events. */
  readonly hasMetadata: boolean
  /** Entries before this sequence number are indexed. */
  readonly indexedCount: number
  /** Where an id was written lately: the cache that `any` and `stream_exists` go by. */
  readonly recent: (id: string) => Entry | undefined
}

/** What the server decides about an append, before anything is written. */
export type AppendDecision =
  | { readonly kind: 'write'; readonly firstRevision: number; readonly undelete: boolean }
  | { readonly kind: 'wrong-expected-version'; readonly actual: number }
  | { readonly kind: 'stream-deleted' }
  /** Stored already. */
  | { readonly kind: 'idempotent'; readonly last: Entry }
  /** Stored already but not indexed: the server drops the write, and the caller hears nothing until its time is up. */
  | { readonly kind: 'idempotent-not-ready' }

/** The branches of the server's `IndexWriter.CheckCommit` and `VerifyCommitChecks`, in their order. */
export function decideAppend(check: AppendCheck): AppendDecision {
  const { stream, expected, ids } = check
  const actual = lastRevision(stream)
  if (stream?.tombstone) return { kind: 'stream-deleted' }
  const softDeleted = stream !== undefined && isSoftDeleted(stream.metadata)
  if (expected === 'stream_exists') {
    if (softDeleted) return { kind: 'stream-deleted' }
    if (actual < 0 && !check.hasMetadata) return { kind: 'wrong-expected-version', actual }
  }
  if (expected === 'any' || expected === 'stream_exists') return decideLoosely(check, softDeleted)
  const after = expected === 'no_stream' ? -1 : expected
  const write: AppendDecision = { kind: 'write', firstRevision: actual + 1, undelete: softDeleted }
  if (after > actual) return { kind: 'wrong-expected-version', actual }
  if (after === actual) return write
  let last: Entry | undefined
  for (const [index, id] of ids.entries()) {
    const entry = stream?.entries[after + 1 + index]
    if (entry && !entry.scavenged && entry.id === id) {
      last = entry
      continue
    }
    // A first id that is new may start a soft-deleted stream again; a later one makes it a corrupted re-append.
    if (index === 0 && expected === 'no_stream' && softDeleted) return write
    return { kind: 'wrong-expected-version', actual }
  }
  return last ? idempotent(last, check) : { kind: 'wrong-expected-version', actual }
}

function decideLoosely(check: AppendCheck, undelete: boolean): AppendDecision {
  const { stream, ids } = check
  const actual = lastRevision(stream)
  let last: Entry | undefined
  for (const id of ids) {
    const entry = check.recent(id)
    if (entry && entry.stream === stream) last = entry
    else if (last) return { kind: 'wrong-expected-version', actual }
    else return { kind: 'write', firstRevision: actual + 1, undelete }
  }
  return last ? idempotent(last, check) : { kind: 'write', firstRevision: actual + 1, undelete }
}

const idempotent = (last: Entry, check: AppendCheck): AppendDecision =>
  last.sequence < check.indexedCount ? { kind: 'idempotent', last } : { kind: 'idempotent-not-ready' }
