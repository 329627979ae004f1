import type { EventData } from '@eventstore/db-client'
import { jsonEvent } from '@eventstore/db-client'
import type { NewEvent } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { ResolvedOptions } from './options.ts'

/**
 * Events as the client takes them, of the JSON kind, which the vendor's own pages can show.
 *
 * @throws EventStoreError `event-too-large`, by the counts of the options, before anything is sent
 */
export function toEventData(
  events: readonly NewEvent[],
  { maxEventBytes, maxAppendBytes }: Pick<ResolvedOptions, 'maxEventBytes' | 'maxAppendBytes'>,
): EventData[] {
  let appendBytes = 0
  return events.map(({ id, type, data, metadata }) => {
    const bytes = utf8Bytes(data) + utf8Bytes(metadata)
    if (bytes > maxEventBytes) {
      throw new EventStoreError('event-too-large', `an event of ${bytes} bytes; the most is ${maxEventBytes}`)
    }
    // The server counts the type's name as UTF-16.
    appendBytes += bytes + 2 * type.length
    if (appendBytes > maxAppendBytes) {
      throw new EventStoreError('event-too-large', `an append of more than ${maxAppendBytes} bytes`)
    }
    return jsonEvent({ id, type, data, metadata })
  })
}

const utf8Bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value), 'utf8')
