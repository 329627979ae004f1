import type { AllStreamResolvedEvent, Position, ResolvedEvent } from '@eventstore/db-client'
import {
  BACKWARDS,
  CancelledError,
  END,
  FORWARDS,
  NotLeaderError,
  START,
  UnavailableError,
} from '@eventstore/db-client'
import type { ReadOptions, RecordedEvent } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { ReadOutcome } from './collect-read.ts'
import { collectRead } from './collect-read.ts'
import type { Connection } from './connection.ts'
import { positionOf, toRecordedEvent } from './convert-event.ts'
import type { KnownRevisions } from './known-revisions.ts'
import type { ResolvedOptions } from './options.ts'
import { backOffMs, pause } from './waiting.ts'

export interface StreamReader {
  read(stream: string, options: ReadOptions): Promise<readonly RecordedEvent[]>
  /** One read, as it comes: no waiting for what a conflict has told. */
  readOnce(stream: string, options: ReadOptions, timeoutMs: number): Promise<ReadOutcome<ResolvedEvent>>
  /** The exact position of the last record before one where a record ends; undefined when it cannot be told. */
  exactPositionBefore(position: Position): Promise<bigint | undefined>
  /** Position of the last record of the log; undefined when it cannot be told. */
  endPosition(): Promise<bigint | undefined>
}

export interface StreamReaderParts {
  readonly connection: Connection
  readonly options: ResolvedOptions
  readonly known: KnownRevisions
}

/** A read is repeated this often when the connection fails under it: it changes nothing, so that is safe. */
const attempts = 3
const firstPauseMs = 20

export function createStreamReader({ connection, options, known }: StreamReaderParts): StreamReader {
  /** Reads, and again when the connection or the leader has changed under it, which the client does not do. */
  async function collect<E>(
    start: (client: ReturnType<Connection['lease']>['session']['client']) => Parameters<typeof collectRead<E>>[0],
    timeoutMs: number,
  ): Promise<ReadOutcome<E>> {
    const endMs = performance.now() + timeoutMs
    for (let failures = 0; ;) {
      const lease = connection.lease()
      let outcome: ReadOutcome<E>
      try {
        outcome = await collectRead<E>(start(lease.session.client), Math.max(1, endMs - performance.now()))
        if (outcome.kind !== 'failed') return outcome
      } finally {
        lease.release()
      }
      failures += 1
      const pauseMs = backOffMs(failures, { firstMs: firstPauseMs, maxMs: options.maxBackOffMs })
      if (!isPassing(outcome.error) || failures >= attempts || performance.now() + pauseMs >= endMs) return outcome
      await pause(pauseMs)
    }
  }

  function readOnce(stream: string, read: ReadOptions, timeoutMs: number): Promise<ReadOutcome<ResolvedEvent>> {
    const backwards = read.direction === 'backwards'
    const fromRevision = read.from ?? (backwards ? END : START)
    const direction = backwards ? BACKWARDS : FORWARDS
    return collect<ResolvedEvent>(
      (client) => client.readStream(stream, { direction, fromRevision, maxCount: read.maxCount, requiresLeader: true }),
      timeoutMs,
    )
  }

  async function lastBefore(fromPosition: Position | typeof END): Promise<bigint | undefined> {
    const outcome = await collect<AllStreamResolvedEvent>(
      (client) => client.readAll({ direction: BACKWARDS, fromPosition, maxCount: 1, requiresLeader: true }),
      options.readTimeoutMs,
    )
    const [last] = outcome.kind === 'events' ? outcome.events : []
    return last && positionOf(last)
  }

  return {
    readOnce,
    async read(stream, read) {
      const untilMs = performance.now() + options.staleReadWaitMs
      for (let looks = 0; ; looks += 1) {
        const outcome = await readOnce(stream, read, options.readTimeoutMs)
        if (outcome.kind === 'failed') {
          throw new EventStoreError('unavailable', `the stream ${stream} could not be read`, { cause: outcome.error })
        }
        const revision = known.of(stream)
        const pauseMs = backOffMs(looks, { firstMs: firstPauseMs, maxMs: 250 })
        const isStale = revision !== undefined && isBehind(outcome, { read, revision })
        if (isStale && performance.now() + pauseMs < untilMs) {
          await pause(pauseMs)
          continue
        }
        if (outcome.kind !== 'events') return []
        return outcome.events.flatMap((event) => toRecordedEvent(event) ?? [])
      }
    },
    exactPositionBefore: ({ commit }) => lastBefore({ commit, prepare: commit }),
    endPosition: () => lastBefore(END),
  }
}

/** The client connects anew after these, and leaves the rest to its caller. */
const isPassing = (error: unknown): boolean =>
  [UnavailableError, CancelledError, NotLeaderError].some((type) => error instanceof type)

/**
 * True when the read shows less of the stream than is known to be there. Success with zero events is not that: it means
 * that all of them have expired.
 */
function isBehind(
  outcome: ReadOutcome<ResolvedEvent>,
  { read, revision }: { readonly read: ReadOptions; readonly revision: bigint },
): boolean {
  if (outcome.kind === 'missing') return read.direction === 'backwards' || (read.from ?? 0n) <= revision
  if (outcome.kind !== 'events') return false
  const [first] = outcome.events
  const last = outcome.events.at(-1)
  if (read.direction === 'backwards') {
    const expected = read.from === undefined || read.from > revision ? revision : read.from
    return first?.event !== undefined && first.event.revision < expected
  }
  return last?.event !== undefined && outcome.events.length < read.maxCount && last.event.revision < revision
}
