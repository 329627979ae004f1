import type { BinaryEventType, EventData } from '@eventstore/db-client'
import type { NewEvent } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { ResolvedOptions } from './options.ts'

/**
 * Events as the client takes them: as bytes, which {@link asJson} makes events of the JSON kind again on their way out. JSON
 * events the client turns to base64, and back twice, byte by byte: a third of what an append costs.
 *
 * @throws EventStoreError `event-too-large`, by the counts of the options, before anything is sent
 */
export function toEventData(
  events: readonly NewEvent[],
  { maxEventBytes, maxAppendBytes }: Pick<ResolvedOptions, 'maxEventBytes' | 'maxAppendBytes'>,
): EventData<BinaryEventType>[] {
  let appendBytes = 0
  return events.map((event) => {
    const data = toBytes(event.data)
    const metadata = toBytes(event.metadata)
    const bytes = data.length + metadata.length
    if (bytes > maxEventBytes) {
      throw new EventStoreError('event-too-large', `an event of ${bytes} bytes; the most is ${maxEventBytes}`)
    }
    // The server counts the type's name as UTF-16.
    appendBytes += bytes + 2 * event.type.length
    if (appendBytes > maxAppendBytes) {
      throw new EventStoreError('event-too-large', `an append of more than ${maxAppendBytes} bytes`)
    }
    return { id: event.id, type: event.type, contentType: 'application/octet-stream', data, metadata }
  })
}

const encoder = new TextEncoder()

/** @throws TypeError for what JSON has no text for, which would be written as nothing */
function toBytes(value: unknown): Uint8Array {
  const text: string | undefined = JSON.stringify(value)
  if (text === undefined) throw new TypeError('an event whose data or metadata is no JSON')
  return encoder.encode(text)
}

/** A proposed event on its way out, as the generated classes have it. */
interface ProposedMessage {
  getMetadataMap(): { set(name: string, value: string): unknown }
}

/** Says of an event that its bytes are JSON, as all are that this adapter writes: the vendor's own pages show it then. */
export function asJson(proposed: ProposedMessage): void {
  proposed.getMetadataMap().set('content-type', 'application/json')
}
