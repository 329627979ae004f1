import type { EventData } from '@eventstore/db-client'
import { NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client'
import { EventStoreError } from '@holdfast/core'
import { attemptAppend } from './append-attempt.ts'
import type { Connection } from './connection.ts'
import type { ResolvedOptions } from './options.ts'
import { timedOut, withinMs } from './waiting.ts'

export interface LooseAppend {
  readonly stream: string
  readonly event: EventData
  /** `$maxCount` of the stream, set when this adapter first appends to it. */
  readonly maxCount: number
}

/** @throws EventStoreError `unavailable`, `unknown-outcome` */
export type LooseAppender = (append: LooseAppend) => Promise<void>

/**
 * Appends to the adapter's own streams, where only the last event counts and order is nobody's concern: at any revision,
 * so that one of them may be there twice. Never for commands.
 */
export function createLooseAppender(connection: Connection, options: ResolvedOptions): LooseAppender {
  const prepared = new Set<string>()

  /** Best effort: without it the stream only keeps more than it needs. */
  async function prepare({ stream, maxCount }: LooseAppend): Promise<void> {
    const lease = connection.lease()
    try {
      const work = lease.session.client.setStreamMetadata(
        stream,
        { maxCount },
        { expectedRevision: NO_STREAM, requiresLeader: true },
      )
      if ((await withinMs(work, options.appendTimeoutMs)) !== timedOut) prepared.add(stream)
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) prepared.add(stream)
      else options.logger.debug({ err: error, stream }, 'the metadata of a stream of the adapter was not set')
    } finally {
      lease.release()
    }
  }

  return async (append) => {
    const lease = connection.lease()
    try {
      const request = { stream: append.stream, events: [append.event], expected: 'any' } as const
      const attempt = await attemptAppend(lease, request, options.appendTimeoutMs)
      if (attempt.kind === 'refused') throw attempt.error
      if (attempt.kind === 'unknown') {
        const message = `whether the append to ${append.stream} was written is not known`
        throw new EventStoreError('unknown-outcome', message, { cause: attempt.cause })
      }
    } finally {
      lease.release()
    }
    if (!prepared.has(append.stream)) await prepare(append)
  }
}
