import type { ExpectedRevision, NewEvent } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import { noStream } from './protocol.ts'
import { streamHash } from './stream-hash.ts'
import type { PreparedAppend, PreparedEvent } from './write-group.ts'

const maxStreamNameLength = 1_000

/**
 * Checks an append and serialises it.
 *
 * @throws EventStoreError `event-too-large`
 * @throws RangeError for a name that no stream can have, no events, or a negative revision: mistakes of the caller
 */
export function prepareAppend(
  input: { readonly stream: string; readonly events: readonly NewEvent[]; readonly expected: ExpectedRevision },
  maxEventBytes: number,
): PreparedAppend {
  const { stream, events } = input
  assertStreamName(stream)
  if (events.length === 0) throw new RangeError(`an append to ${stream} without events`)
  const prepared: PreparedEvent[] = []
  let characters = 0
  for (const { id, type, data, metadata } of events) {
    const event = { id, type, data: JSON.stringify(data), metadata: JSON.stringify(metadata) }
    const length = event.data.length + event.metadata.length
    // A character takes three bytes at most: only a large event has to be measured.
    if (length * 3 > maxEventBytes) assertFits(event, maxEventBytes)
    characters += length
    prepared.push(event)
  }
  return { stream, hash: streamHash(stream), expected: revisionNumber(input.expected), events: prepared, characters }
}

/**
 * A lone surrogate would be stored as U+FFFD and NUL would end the name, so that two names became one; `$` marks the
 * streams of a store itself.
 *
 * @throws RangeError
 */
export function assertStreamName(stream: string): void {
  if (stream === '' || stream.length > maxStreamNameLength) {
    throw new RangeError(`a stream name has 1 to ${maxStreamNameLength} characters, this one ${stream.length}`)
  }
  if (stream.startsWith('$') || stream.includes('\0') || !stream.isWellFormed()) {
    throw new RangeError(`not a stream name (it starts with $, holds NUL or is no Unicode): ${JSON.stringify(stream)}`)
  }
}

function assertFits(event: PreparedEvent, maxEventBytes: number): void {
  const bytes = Buffer.byteLength(event.data) + Buffer.byteLength(event.metadata)
  if (bytes <= maxEventBytes) return
  throw new EventStoreError(
    'event-too-large',
    `an event of type ${event.type} has ${bytes} bytes of data and metadata, the store takes ${maxEventBytes}`,
  )
}

/** Beyond 2^53 no stream has a revision, so that the exact number does not matter. */
export function revisionNumber(expected: ExpectedRevision): number {
  if (expected === 'no_stream') return noStream
  if (expected < 0n) throw new RangeError(`a negative expected revision: ${expected}`)
  return expected > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(expected)
}
