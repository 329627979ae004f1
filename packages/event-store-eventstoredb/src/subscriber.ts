import { AccessDeniedError } from '@eventstore/db-client'
import type { EventBatch, RecordedEvent, SubscribeOptions } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { Connection } from './connection.ts'
import { toRecordedEvent } from './convert-event.ts'
import type { ResolvedOptions } from './options.ts'
import type { StreamReader } from './stream-reader.ts'
import { matcherOf } from './subscription-filter.ts'
import type { SourceStep } from './subscription-source.ts'
import { openSubscriptionSource } from './subscription-source.ts'
import { backOffMs, pause } from './waiting.ts'

export interface SubscriberParts {
  readonly connection: Connection
  readonly reader: StreamReader
  readonly options: ResolvedOptions
  /** Fires when the store is closed. */
  readonly closing: AbortSignal
}

const firstPauseMs = 100
const defaultMaxBatch = 500
/** gRPC's INVALID_ARGUMENT: to a subscription, a position at which no record stands. */
const invalidArgument = 3

/**
 * Subscribes to the filtered `$all`, and takes the subscription up again, after what was given last, whenever it ends:
 * the client retries nothing.
 */
export async function* subscribe(parts: SubscriberParts, wanted: SubscribeOptions): AsyncGenerator<EventBatch, void> {
  const { connection, options } = parts
  const signal = AbortSignal.any([wanted.signal, parts.closing])
  const matches = matcherOf(wanted)
  const maxBatch = wanted.maxBatch ?? defaultMaxBatch
  let position = wanted.after ?? 0n
  let failures = 0
  if (position > 0n) await assertWithin(position, parts.reader)

  while (!signal.aborted) {
    const lease = connection.lease()
    const source = openSubscriptionSource({
      client: lease.session.client,
      wanted,
      // Only ever the exact position of a record: see `reachedBy`.
      after: position === 0n ? undefined : position,
      maxBatch,
      maxSearchWindow: options.maxSearchWindow,
      confirmTimeoutMs: options.readTimeoutMs,
    })
    let pauseMs = 0
    try {
      for (;;) {
        const step = await source.next(signal)
        if (signal.aborted) return
        failures = 0
        const events = eventsOf(step, matches)
        const reached = await reachedBy(step, parts.reader)
        if (signal.aborted) return
        if (reached !== undefined && reached > position) position = reached
        yield { events, position, caughtUp: step.caughtUp }
      }
    } catch (error) {
      if (isFinal(error)) throw finalError(error, position)
      pauseMs = backOffMs(failures, { firstMs: firstPauseMs, maxMs: options.maxBackOffMs })
      failures += 1
      options.logger.warn(
        { err: error, position: String(position), pauseMs: Math.round(pauseMs) },
        'a subscription has ended and is taken up again',
      )
    } finally {
      source.stop()
      lease.release()
    }
    await pause(pauseMs, signal)
  }
}

/**
 * A position past the end would hide what is written from now on, silently: the server takes it, and waits there. When the
 * end cannot be told now, the subscription begins all the same.
 */
async function assertWithin(position: bigint, reader: StreamReader): Promise<void> {
  const end = await reader.endPosition()
  if (end === undefined || position <= end) return
  const message = `position ${position} lies past the end of the log (${end}): the log is an older copy, or another one`
  throw new EventStoreError('corrupt', message)
}

function eventsOf(step: SourceStep, matches: (event: RecordedEvent) => boolean): RecordedEvent[] {
  return step.events.flatMap((resolved) => {
    const event = toRecordedEvent(resolved)
    return event && matches(event) ? [event] : []
  })
}

/**
 * The position that a step has reached, as one number from which a subscription can be resumed. That of an event is
 * that. A checkpoint while the server catches up is not (its prepare position is lower than its commit position): it is
 * where a record ends, and what a resumption makes of it depends on the version; up to 22.10 it leaves out the record
 * that begins there. So the server is asked for the record before it; where that fails, the position stays behind,
 * which only costs the server the looking again.
 */
async function reachedBy(step: SourceStep, reader: StreamReader): Promise<bigint | undefined> {
  const last = step.events.at(-1)?.commitPosition
  const { checkpoint } = step
  if (!checkpoint || checkpoint.commit === 0n || (last !== undefined && checkpoint.commit <= last)) return last
  if (checkpoint.commit === checkpoint.prepare) return checkpoint.commit
  const before = await reader.exactPositionBefore(checkpoint)
  return before === undefined || (last !== undefined && before < last) ? last : before
}

const isInvalidPosition = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === invalidArgument

/** What another attempt does not change. */
const isFinal = (error: unknown): boolean =>
  error instanceof EventStoreError || error instanceof AccessDeniedError || isInvalidPosition(error)

function finalError(error: unknown, position: bigint): EventStoreError {
  if (error instanceof EventStoreError) return error
  if (isInvalidPosition(error)) {
    const message = `no record of this log stands at position ${position}: it is of another log, or not a position`
    return new EventStoreError('corrupt', message, { cause: error })
  }
  return new EventStoreError('unavailable', 'the server denies access', { cause: error })
}
