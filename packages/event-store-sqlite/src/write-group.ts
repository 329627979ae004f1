import type { AppendResult } from '@holdfast/core'
import { outcome, resultWidth } from './protocol.ts'
import type { AppendedEvents, WriteGroup } from './protocol.ts'

/** An append, checked and serialised by the caller's thread. */
export interface PreparedAppend {
  readonly stream: string
  readonly hash: number
  readonly expected: number
  readonly events: readonly PreparedEvent[]
  /** Length of the texts: bounds a group. */
  readonly characters: number
}

export interface PreparedEvent {
  readonly id: string
  readonly type: string
  readonly data: string
  readonly metadata: string
}

/** Writes that cross to the thread in one message, and who waits for them. */
export interface PendingGroup {
  readonly group: WriteGroup
  readonly appends: Waiting<AppendResult>[]
  /** Whose write has no answer but its being durable. */
  readonly others: Waiting<undefined>[]
  characters: number
}

export interface Waiting<T> {
  readonly resolve: (result: T) => void
  readonly reject: (error: Error) => void
}

export const createGroup = (): PendingGroup => ({
  group: {
    appends: { streams: [], hashes: [], expected: [], counts: [], ids: [], types: [], data: [], metadata: [] },
    checkpoints: [],
    truncations: [],
    probe: false,
    atMs: 0,
  },
  appends: [],
  others: [],
  characters: 0,
})

export const writesIn = (pending: PendingGroup): number => pending.appends.length + pending.others.length

export function addAppend(pending: PendingGroup, append: PreparedAppend, waiting: Waiting<AppendResult>): void {
  const columns = pending.group.appends
  columns.streams.push(append.stream)
  columns.hashes.push(append.hash)
  columns.expected.push(append.expected)
  columns.counts.push(append.events.length)
  for (const event of append.events) {
    columns.ids.push(event.id)
    columns.types.push(event.type)
    columns.data.push(event.data)
    columns.metadata.push(event.metadata)
  }
  pending.characters += append.characters
  pending.appends.push(waiting)
}

export interface GroupResults {
  /** Of the whole transaction. */
  readonly results: readonly number[]
  /** Where those of the group begin. */
  readonly at: number
  /** Told of each append that was written, in order. */
  readonly tell?: (events: AppendedEvents) => void
}

/** Answers everyone in the group from its results; gives where those of the next group begin. */
export function resolveGroup(pending: PendingGroup, { results, at, tell }: GroupResults): number {
  const { hashes, counts } = pending.group.appends
  let next = at
  for (const [index, { resolve }] of pending.appends.entries()) {
    const [revision, position] = [results[next + 1] ?? 0, results[next + 2] ?? 0]
    if (results[next] === outcome.appended)
      tell?.({ hash: hashes[index] ?? 0, count: counts[index] ?? 0, revision, position })
    resolve(resultAt(results, next))
    next += resultWidth
  }
  for (const { resolve } of pending.others) resolve(undefined)
  return next
}

export function rejectGroup(pending: PendingGroup, error: Error): void {
  for (const { reject } of pending.appends) reject(error)
  for (const { reject } of pending.others) reject(error)
}

function resultAt(results: readonly number[], at: number): AppendResult {
  const revision = results[at + 1] ?? 0
  if (results[at] === outcome.appended) {
    return { kind: 'appended', revision: BigInt(revision), position: BigInt(results[at + 2] ?? 0) }
  }
  return { kind: 'conflict', actual: revision < 0 ? 'no_stream' : BigInt(revision) }
}
