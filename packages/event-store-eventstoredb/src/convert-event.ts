import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client'
import type { JsonObject, RecordedEvent } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'

/** 2^64 - 1: what the protocol says for "no position". */
const noPosition = 18_446_744_073_709_551_615n

/** The position of an event in the log, or undefined where the server told none. */
export function positionOf({ event, commitPosition }: ResolvedEvent | AllStreamResolvedEvent): bigint | undefined {
  const commit = event?.position?.commit ?? commitPosition
  return commit === undefined || commit === noPosition ? undefined : commit
}

/**
 * An event as the port gives it; undefined for what is not ours: the server's own events (a tombstone is one, in the
 * stream it ended), and what is not a JSON object.
 *
 * @throws EventStoreError `corrupt` where the server tells no position, as versions before 22.6 do not.
 */
export function toRecordedEvent(resolved: ResolvedEvent | AllStreamResolvedEvent): RecordedEvent | undefined {
  const { event } = resolved
  if (!event?.isJson || event.type.startsWith('$') || !isObject(event.data)) return undefined
  const position = positionOf(resolved)
  if (position === undefined) {
    throw new EventStoreError(
      'corrupt',
      'this server does not tell the positions of events; version 22.6 or later does',
    )
  }
  return {
    id: event.id,
    type: event.type,
    data: event.data,
    metadata: isObject(event.metadata) ? event.metadata : {},
    stream: event.streamId,
    revision: event.revision,
    position,
    // The protocol has 100 ns ticks; the client has made a Date of them.
    recordedAtMs: event.created.getTime(),
  }
}

/** What came out of JSON.parse: an object of it is a JsonObject. */
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
