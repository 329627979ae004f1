import type { BatchAppendReq as BatchAppendRequest } from '@eventstore/db-client/generated/streams_pb.js'
import type { BatchAppendResp as BatchAppendResponse } from '@eventstore/db-client/generated/streams_pb.js'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import type { AppendAnswer, Appender } from './appender.ts'
import type { Expected } from './append-rules.ts'
import type { FrameEvent } from './frame.ts'
import type { Status } from './protocol.ts'
import {
  AllStreamPosition,
  BatchAppendReq,
  BatchAppendResp,
  MaximumAppendSizeExceeded,
  notHandledStatus,
  rpcStatus,
  StreamDeleted,
  streamIdentifier,
  streamNameOf,
  Timeout,
  uuidOf,
  wrongExpectedVersion,
} from './protocol.ts'
import type { ServerContext } from './server-context.ts'
import { countCall } from './server-context.ts'

type Call = ServerDuplexStream<BatchAppendRequest, BatchAppendResponse>

interface Batch {
  readonly correlation: ReturnType<BatchAppendRequest['getCorrelationId']>
  readonly stream: string
  readonly expected: Expected
  readonly events: FrameEvent[]
  bytes: number
}

/** `Streams/BatchAppend`: one call carries many appends, each answered by its correlation id. */
export function createBatchAppend(context: ServerContext, appender: Appender): (call: Call) => void {
  return (call) => {
    countCall(context, call.metadata)
    const batches = new Map<string, Batch>()
    let open = true
    const close = (): void => {
      open = false
    }
    call.on('cancelled', close)
    call.on('error', close)
    call.on('data', (request: BatchAppendRequest) => {
      const correlation = uuidOf(request.getCorrelationId())
      const begun = batches.get(correlation) ?? begin(request)
      if (!begun) return
      batches.set(correlation, begun)
      for (const message of request.getProposedMessagesList()) {
        const event = eventOf(message)
        begun.bytes += storedBytes(event)
        begun.events.push(event)
      }
      if (begun.bytes > context.maxAppendBytes) {
        batches.delete(correlation)
        const limit = new MaximumAppendSizeExceeded().setMaxappendsize(context.maxAppendBytes)
        respond(begun, { error: rpcStatus('MaximumAppendSizeExceeded', status.INVALID_ARGUMENT, limit) })
        return
      }
      if (!request.getIsFinal()) return
      batches.delete(correlation)
      context.counts.batchAppends += 1
      submit(begun)
    })
    call.on('end', () => {
      if (open) call.end()
      close()
    })

    function begin(request: BatchAppendRequest): Batch | undefined {
      const options = request.getOptions()
      if (!options) return undefined
      const batch = {
        correlation: request.getCorrelationId(),
        stream: streamNameOf(options.getStreamIdentifier()),
        expected: expectedOf(options),
        events: [],
        bytes: 0,
      }
      const deadline = options.getDeadline()?.toDate().getTime()
      if (deadline === undefined || deadline > context.nowMs()) return batch
      respond(batch, { error: rpcStatus('Timeout', status.DEADLINE_EXCEEDED, new Timeout()) })
      return undefined
    }

    function submit(batch: Batch): void {
      appender.submit(batch, {
        answer(answer) {
          respond(batch, answerOf(batch, answer))
        },
        notReady() {
          respond(batch, { error: notHandledStatus('Server Is Not Ready') })
        },
        end() {
          if (open) call.end()
          close()
        },
        fail(error) {
          if (open) call.emit('error', error)
        },
      })
    }

    function respond(batch: Batch, result: Result): void {
      if (!open) return
      const response = new BatchAppendResp()
      response.setCorrelationId(batch.correlation)
      response.setStreamIdentifier(streamIdentifier(batch.stream))
      if ('error' in result) response.setError(result.error)
      else response.setSuccess(result.success)
      call.write(response)
    }
  }
}

type Result =
  { readonly error: InstanceType<typeof Status> } | { readonly success: InstanceType<typeof BatchAppendResp.Success> }

function answerOf(batch: Batch, answer: AppendAnswer): Result {
  switch (answer.kind) {
    case 'written':
    case 'idempotent': {
      const success = new BatchAppendResp.Success().setCurrentRevision(String(answer.revision))
      if (answer.position !== undefined) {
        const position = String(answer.position)
        success.setPosition(new AllStreamPosition().setCommitPosition(position).setPreparePosition(position))
      }
      return { success }
    }
    case 'wrong-expected-version': {
      const details = wrongExpectedVersion(answer.actual, batch.expected)
      return { error: rpcStatus('WrongExpectedVersion', status.ALREADY_EXISTS, details) }
    }
    case 'stream-deleted': {
      const details = new StreamDeleted().setStreamIdentifier(streamIdentifier(batch.stream))
      return { error: rpcStatus('StreamDeleted', status.NOT_FOUND, details) }
    }
    default:
      return { error: rpcStatus('Timeout', status.DEADLINE_EXCEEDED, new Timeout()) }
  }
}

function expectedOf(options: BatchAppendRequest.Options): Expected {
  switch (options.getExpectedStreamPositionCase()) {
    case BatchAppendReq.Options.ExpectedStreamPositionCase.STREAM_POSITION:
      return Number(options.getStreamPosition())
    case BatchAppendReq.Options.ExpectedStreamPositionCase.NO_STREAM:
      return 'no_stream'
    case BatchAppendReq.Options.ExpectedStreamPositionCase.STREAM_EXISTS:
      return 'stream_exists'
    default:
      return 'any'
  }
}

interface ProposedMessage {
  getId(): Parameters<typeof uuidOf>[0]
  getMetadataMap(): { get(name: string): string | undefined }
  getCustomMetadata_asU8(): Uint8Array
  getData_asU8(): Uint8Array
}

/** A proposed message of either kind of append. */
export const eventOf = (message: ProposedMessage): FrameEvent => ({
  id: uuidOf(message.getId()).toLowerCase(),
  type: message.getMetadataMap().get('type') ?? '',
  isJson: message.getMetadataMap().get('content-type') === 'application/json',
  data: message.getData_asU8(),
  metadata: message.getCustomMetadata_asU8(),
})

/** What counts towards the append size: data, metadata, and the type as UTF-16. */
export const storedBytes = (event: FrameEvent): number =>
  event.data.length + event.metadata.length + 2 * event.type.length
