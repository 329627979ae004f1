import type { ReadReq as ReadRequest } from '@eventstore/db-client/generated/streams_pb.js'
import { eventResponse } from './read-response.ts'
import type { ReadCall, Sender } from './sender.ts'
import type { ServerContext } from './server-context.ts'
import type { Entry } from './stream-state.ts'

/** One read or subscription under way. */
export interface ReadTurn {
  readonly context: ServerContext
  readonly call: ReadCall
  readonly sender: Sender
  readonly options: ReadRequest.Options
}

/** False once the reader has gone. */
export async function sendEvent({ context, sender }: ReadTurn, entry: Entry): Promise<boolean> {
  context.counts.eventsSent += 1
  return sender.send(eventResponse(context.database, entry))
}
