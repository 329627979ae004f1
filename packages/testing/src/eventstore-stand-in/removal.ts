import type { DeleteReq, DeleteResp as DeleteResponse } from '@eventstore/db-client/generated/streams_pb.js'
import type { TombstoneReq, TombstoneResp as TombstoneResponse } from '@eventstore/db-client/generated/streams_pb.js'
import type { handleUnaryCall } from '@grpc/grpc-js'
import type { Expected } from './append-rules.ts'
import { DeleteResp, streamNameOf, TombstoneResp } from './protocol.ts'
import type { RpcError } from './rpc-errors.ts'
import { streamDeletedError, timeoutError, wrongExpectedVersionError } from './rpc-errors.ts'
import type { ServerContext } from './server-context.ts'
import { countCall, refusal } from './server-context.ts'
import { expectedOf } from './unary-append.ts'

/** `Streams/Delete`: soft; the stream's metadata is replaced whole, so its `$maxAge` is lost. */
export const createDelete =
  (context: ServerContext): handleUnaryCall<DeleteReq, DeleteResponse> =>
  (call, callback) => {
    countCall(context, call.metadata)
    const options = call.request.getOptions()
    if (!options) return
    const stream = streamNameOf(options.getStreamIdentifier())
    remove(context, { stream, expected: expectedOf(options), hard: false }, (result) => {
      if (typeof result !== 'number') {
        callback(result)
        return
      }
      const position = String(result)
      const answered = new DeleteResp.Position().setCommitPosition(position).setPreparePosition(position)
      callback(null, new DeleteResp().setPosition(answered))
    })
  }

/** `Streams/Tombstone`: hard, for ever. */
export const createTombstone =
  (context: ServerContext): handleUnaryCall<TombstoneReq, TombstoneResponse> =>
  (call, callback) => {
    countCall(context, call.metadata)
    const options = call.request.getOptions()
    if (!options) return
    const stream = streamNameOf(options.getStreamIdentifier())
    remove(context, { stream, expected: expectedOf(options), hard: true }, (result) => {
      if (typeof result !== 'number') {
        callback(result)
        return
      }
      const position = String(result)
      const answered = new TombstoneResp.Position().setCommitPosition(position).setPreparePosition(position)
      callback(null, new TombstoneResp().setPosition(answered))
    })
  }

interface Removal {
  readonly stream: string
  readonly expected: Expected
  readonly hard: boolean
}

/** Answers with the position of what was written, or with an error. */
function remove(context: ServerContext, removal: Removal, done: (result: number | RpcError) => void): void {
  const fault = context.faults.take('delete', removal.stream)
  const error = fault && refusal(context, fault)
  if (error) {
    done(error)
    return
  }
  const outcome = context.database.remove(removal, () => {
    done(outcome.kind === 'written' ? (outcome.position ?? 0) : timeoutError)
  })
  if (outcome.kind === 'stream-deleted') done(streamDeletedError(removal.stream))
  if (outcome.kind === 'wrong-expected-version') {
    const words = { any: '-2', no_stream: '-1', stream_exists: '-4' }
    const expected = typeof removal.expected === 'number' ? String(removal.expected) : words[removal.expected]
    done(wrongExpectedVersionError(removal.stream, expected, String(outcome.actual)))
  }
}
