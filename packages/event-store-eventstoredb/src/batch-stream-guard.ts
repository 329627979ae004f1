import type { EventEmitter } from 'node:events'
import statusMessages from '@eventstore/db-client/generated/status_pb.js'
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js'
import streamsMessages from '@eventstore/db-client/generated/streams_pb.js'
import { KeyTable } from '@holdfast/core'
import { asJson } from './event-data.ts'

/** What the guard needs of the client's call. */
export interface BatchAppendCall extends EventEmitter {
  write(message: BatchAppendReq): boolean
  end(): void
}

export interface BatchStreamHooks {
  /** A message that begins with this event was written. */
  readonly onSent: (eventId: string) => void
  readonly onAnswer: () => void
  /** An answer that nobody waits for: a second one, or one whose append was given up. */
  readonly onStrayAnswer: (correlationId: string) => void
  readonly onFailure: (error: Error) => void
}

/**
 * Makes one BatchAppend call of `@eventstore/db-client` 6.2.1 safe to share. The client's `batchAppend.js` attaches a
 * `data` and an `error` listener to the call at once, then hands it on; those two are caught here. What they get wrong:
 *
 * - `data` destructures `promiseBank.get(id)`, which is undefined for a second answer, or for any answer after the map
 *   was cleared: a TypeError out of the event, which ends as an unhandled rejection. Here only the first answer to what
 *   was sent on this call is passed on, and what it may still throw is caught.
 * - `error` rejects and clears the whole map, which is shared by all clients of the process. Here each append that
 *   waits on *this* call gets an answer of its own (of the type Unknown: what became of it is not known), and the
 *   appends of other clients are left alone.
 * - a call that ends cleanly leaves its promises pending for ever, and stays in use, for its writing half is still
 *   open. Here they get the same answer, and the call is closed.
 * - its queue rejects what waits for `drain` when the call fails, inside an async executor: an unhandled rejection for
 *   each. `write` always says true here, so nothing waits; Node buffers what the transport has not taken.
 */
export function guardBatchStream<Call extends BatchAppendCall>(call: Call, hooks: BatchStreamHooks): Call {
  const waiting = new KeyTable<BatchAppendReq, string>()
  let deliver: ((answer: BatchAppendResp) => void) | undefined
  const pass = (answer: BatchAppendResp): void => {
    const correlationId = answer.getCorrelationId()?.getString() ?? ''
    if (!waiting.delete(correlationId)) {
      hooks.onStrayAnswer(correlationId)
      return
    }
    try {
      deliver?.(answer)
    } catch {
      // Another client of the process has cleared the shared map: the append's own time limit settles it.
      hooks.onStrayAnswer(correlationId)
    }
  }
  const failWaiting = (): void => {
    for (const request of waiting.values()) {
      pass(
        new streamsMessages.BatchAppendResp()
          .setCorrelationId(request.getCorrelationId())
          .setStreamIdentifier(request.getOptions()?.getStreamIdentifier())
          .setError(unknownStatus()),
      )
    }
  }

  const write = call.write.bind(call)
  call.write = (message) => {
    // An append may be several messages; the first has the options.
    if (message.hasOptions()) waiting.set(message.getCorrelationId()?.getString() ?? '', message)
    message.getProposedMessagesList().forEach(asJson)
    hooks.onSent(message.getProposedMessagesList()[0]?.getId()?.getString() ?? '')
    write(message)
    return true
  }

  const on = call.on.bind(call)
  let caughtError = false
  call.on = (event: string, listener: (...args: never[]) => void) => {
    if (event === 'data' && !deliver) {
      deliver = listener as (answer: BatchAppendResp) => void
      return on('data', (answer: BatchAppendResp) => {
        hooks.onAnswer()
        pass(answer)
      })
    }
    if (event === 'error' && !caughtError) {
      caughtError = true
      return on('error', (error: Error) => {
        hooks.onFailure(error)
        failWaiting()
      })
    }
    return on(event, listener as (...args: unknown[]) => void)
  }
  on('end', () => {
    call.end()
  })
  on('close', failWaiting)
  return call
}

function unknownStatus(): InstanceType<typeof statusMessages.Status> {
  // Field 3, an empty Any.
  const status = statusMessages.Status.deserializeBinary(Uint8Array.of(0x1a, 0))
  status.getDetails()?.pack(new Uint8Array(), 'event_store.client.Unknown')
  return status.setMessage('the call ended')
}
