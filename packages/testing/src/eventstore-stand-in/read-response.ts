import type { ReadResp as ReadResponse } from '@eventstore/db-client/generated/streams_pb.js'
import type { Database } from './database.ts'
import { tombstoneRevision } from './frame.ts'
import { maxRevision, ReadResp, streamIdentifier, Uuid } from './protocol.ts'
import type { Entry } from './stream-state.ts'

/** .NET ticks, 100 ns, in a millisecond: the unit of `created`. */
const ticksPerMs = 10_000n

/** An event as every kind of read gives it. */
export function eventResponse(database: Database, entry: Entry): ReadResponse {
  const { data, metadata, isJson } = database.content(entry)
  const position = String(entry.position)
  const recorded = new ReadResp.ReadEvent.RecordedEvent()
    .setId(new Uuid().setString(entry.id))
    .setStreamIdentifier(streamIdentifier(entry.stream.name))
    .setStreamRevision(entry.revision === tombstoneRevision ? maxRevision : String(entry.revision))
    .setCommitPosition(position)
    .setPreparePosition(position)
    .setData(data)
    .setCustomMetadata(metadata)
  recorded
    .getMetadataMap()
    .set('type', entry.type)
    .set('created', String(BigInt(Math.trunc(entry.createdMs)) * ticksPerMs))
    .set('content-type', isJson ? 'application/json' : 'application/octet-stream')
  return new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(position))
}
