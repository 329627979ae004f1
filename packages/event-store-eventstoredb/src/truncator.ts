import { randomUUID } from 'node:crypto'
import { jsonEvent } from '@eventstore/db-client'
import type { ExpectedRevision, JsonObject } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import { attemptAppend } from './append-attempt.ts'
import type { Connection } from './connection.ts'
import type { ResolvedOptions } from './options.ts'
import type { StreamReader } from './stream-reader.ts'
import { backOffMs, pause } from './waiting.ts'

/** Several processes may set the metadata of one stream; each round one of them has made progress. */
const maxRounds = 10
const backOff = { firstMs: 20, maxMs: 1_000 }

export interface TruncatorParts {
  readonly connection: Connection
  readonly options: ResolvedOptions
  readonly reader: StreamReader
}

interface Metadata {
  readonly metadata: JsonObject
  /** Of the stream that holds them. */
  readonly revision: ExpectedRevision
}

const metastreamOf = (stream: string): string => `$$${stream}`

/**
 * Hides events of a stream below a revision by its metadata (`$tb`); the server's scavenge deletes them. What else the
 * metadata hold stays, and `$tb` never goes back: each change expects the metadata that it was made from.
 *
 * @throws EventStoreError `unavailable`, `unknown-outcome`
 */
export function createTruncator({ connection, options, reader }: TruncatorParts) {
  const { readTimeoutMs } = options

  async function setOnce(stream: string, before: number): Promise<'done' | 'conflict'> {
    const { metadata, revision } = await readMetadata(stream)
    if (Number(metadata['$tb'] ?? 0) >= before) return 'done'
    const event = jsonEvent({ id: randomUUID(), type: '$metadata', data: { ...metadata, $tb: before } })
    const lease = connection.lease()
    try {
      const request = { stream: metastreamOf(stream), events: [event], expected: revision }
      const attempt = await attemptAppend(lease, request, options.appendTimeoutMs)
      switch (attempt.kind) {
        case 'appended':
          return 'done'
        case 'conflict':
          return 'conflict'
        case 'refused':
          throw attempt.error
        case 'unknown':
          throw new EventStoreError('unknown-outcome', `whether ${stream} was truncated is not known`, attempt)
      }
    } finally {
      lease.release()
    }
  }

  /** Not by the client's `getStreamMetadata`: what it calls the metastream's revision is a position in the log. */
  async function readMetadata(stream: string): Promise<Metadata> {
    const outcome = await reader.readOnce(metastreamOf(stream), { direction: 'backwards', maxCount: 1 }, readTimeoutMs)
    if (outcome.kind === 'failed') {
      throw new EventStoreError('unavailable', `the metadata of ${stream} cannot be read`, { cause: outcome.error })
    }
    const last = outcome.kind === 'events' ? outcome.events[0]?.event : undefined
    if (last === undefined) return { metadata: {}, revision: 'no_stream' }
    return { metadata: last.isJson ? (last.data as JsonObject) : {}, revision: last.revision }
  }

  return async (stream: string, before: bigint): Promise<void> => {
    const [last] = await reader.read(stream, { direction: 'backwards', maxCount: 1 })
    if (last === undefined || before <= 0n) return
    // The server would hide the last event as well.
    const kept = before < last.revision ? before : last.revision
    for (let round = 0; round < maxRounds; round++) {
      if ((await setOnce(stream, Number(kept))) === 'done') return
      await pause(backOffMs(round, backOff))
    }
    throw new EventStoreError('unavailable', `others kept changing the metadata of ${stream}`)
  }
}
