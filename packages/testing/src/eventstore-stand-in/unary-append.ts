import type { AppendReq as AppendRequestMessage } from '@eventstore/db-client/generated/streams_pb.js'
import type { AppendResp as AppendResponse } from '@eventstore/db-client/generated/streams_pb.js'
import type { sendUnaryData, ServerReadableStream } from '@grpc/grpc-js'
import type { AppendAnswer, Appender } from './appender.ts'
import type { Expected } from './append-rules.ts'
import { eventOf, storedBytes } from './batch-append.ts'
import type { FrameEvent } from './frame.ts'
import { AppendReq, AppendResp, Empty, streamNameOf } from './protocol.ts'
import { maximumAppendSizeError, streamDeletedError, timeoutError, unavailableError } from './rpc-errors.ts'
import type { ServerContext } from './server-context.ts'
import { countCall } from './server-context.ts'

type Call = ServerReadableStream<AppendRequestMessage, AppendResponse>

/** `Streams/Append`: one call, one append. The client uses it with per-call credentials and without server features. */
export function createUnaryAppend(
  context: ServerContext,
  appender: Appender,
): (call: Call, callback: sendUnaryData<AppendResponse>) => void {
  return (call, callback) => {
    countCall(context, call.metadata)
    let options: AppendRequestMessage.Options | undefined
    const events: FrameEvent[] = []
    let bytes = 0
    let refused = false
    call.on('data', (request: AppendRequestMessage) => {
      options ??= request.getOptions()
      const message = request.getProposedMessage()
      if (!message || refused) return
      const event = eventOf(message)
      bytes += storedBytes(event)
      events.push(event)
      if (bytes <= context.maxAppendBytes) return
      refused = true
      callback(maximumAppendSizeError(context.maxAppendBytes))
    })
    call.on('end', () => {
      if (refused || !options) return
      context.counts.unaryAppends += 1
      const stream = streamNameOf(options.getStreamIdentifier())
      const expected = expectedOf(options)
      appender.submit(
        { stream, expected, events },
        {
          answer(answer) {
            respond({ answer, stream, expected }, callback)
          },
          notReady() {
            callback(unavailableError)
          },
          // A unary call cannot end without an answer: to the client this is the connection going away.
          end() {
            callback(unavailableError)
          },
          fail(error) {
            callback(error)
          },
        },
      )
    })
  }
}

interface Answered {
  readonly answer: AppendAnswer
  readonly stream: string
  readonly expected: Expected
}

function respond({ answer, stream, expected }: Answered, callback: sendUnaryData<AppendResponse>): void {
  switch (answer.kind) {
    case 'written':
    case 'idempotent': {
      const success = new AppendResp.Success().setCurrentRevision(String(answer.revision))
      if (answer.position === undefined) {
        success.setNoPosition(new Empty())
      } else {
        const position = String(answer.position)
        success.setPosition(new AppendResp.Position().setCommitPosition(position).setPreparePosition(position))
      }
      callback(null, new AppendResp().setSuccess(success))
      return
    }
    case 'wrong-expected-version':
      callback(null, new AppendResp().setWrongExpectedVersion(conflict(answer.actual, expected)))
      return
    case 'stream-deleted':
      callback(streamDeletedError(stream))
      return
    default:
      callback(timeoutError)
  }
}

function conflict(actual: number, expected: Expected): AppendResponse.WrongExpectedVersion {
  const result = new AppendResp.WrongExpectedVersion()
  if (actual < 0) result.setCurrentNoStream(new Empty())
  else result.setCurrentRevision(String(actual))
  if (expected === 'any') result.setExpectedAny(new Empty())
  else if (expected === 'stream_exists') result.setExpectedStreamExists(new Empty())
  else if (expected === 'no_stream') result.setExpectedNoStream(new Empty())
  else result.setExpectedRevision(String(expected))
  return result
}

/** The expected revision as appends, deletions and tombstones of the unary protocol say it. */
export function expectedOf(options: { getExpectedStreamRevisionCase(): number; getRevision(): string }): Expected {
  switch (options.getExpectedStreamRevisionCase() as AppendRequestMessage.Options.ExpectedStreamRevisionCase) {
    case AppendReq.Options.ExpectedStreamRevisionCase.REVISION:
      return Number(options.getRevision())
    case AppendReq.Options.ExpectedStreamRevisionCase.NO_STREAM:
      return 'no_stream'
    case AppendReq.Options.ExpectedStreamRevisionCase.STREAM_EXISTS:
      return 'stream_exists'
    default:
      return 'any'
  }
}
