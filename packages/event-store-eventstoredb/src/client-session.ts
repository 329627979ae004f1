import { EventStoreDBClient } from '@eventstore/db-client'
import type { AppendReq } from '@eventstore/db-client/generated/streams_pb.js'
import type { BatchAppendCall } from './batch-stream-guard.ts'
import { guardBatchStream } from './batch-stream-guard.ts'
import { asJson } from './event-data.ts'
import type { SentLog } from './sent-log.ts'
import { createSentLog } from './sent-log.ts'
import type { AdapterLogger } from './options.ts'
import { withinMs } from './waiting.ts'

/** One client with its connection. */
export interface ClientSession {
  readonly client: EventStoreDBClient
  readonly sent: SentLog
  /** When the last answer to a batch append came, by `performance.now()`; 0 before the first. */
  lastAnswerMs(): number
  /** Cancels what runs and closes the connection. */
  dispose(): Promise<void>
}

const disposeMs = 1_000

interface AppendCall {
  write(message: AppendReq): boolean
}

/** The streams service as the client calls it; `close` lets go of its channel. */
interface StreamsCalls {
  batchAppend?: (...args: unknown[]) => BatchAppendCall
  append?: (...args: unknown[]) => AppendCall
  close(): void
}

/** What is patched of a client. Not its public API: an update of the client must pass the tests of this package. */
interface ClientInternals {
  getGRPCClient: (constructor: unknown, name: string) => Promise<StreamsCalls>
}

/**
 * Makes a client whose append calls are guarded ({@link guardBatchStream}). The only way in that touches neither the
 * modules nor the process is the method by which the client gets its gRPC stubs, replaced on this one instance.
 */
export function createClientSession(connectionString: string, logger: AdapterLogger): ClientSession {
  const client = EventStoreDBClient.connectionString(connectionString)
  const internals = client as unknown as ClientInternals
  const getStub = internals.getGRPCClient
  if (typeof getStub !== 'function') throw new Error('this version of @eventstore/db-client is not supported')
  const sent = createSentLog()
  const guarded = new Set<StreamsCalls>()
  let lastAnswerMs = 0

  function guard(stub: StreamsCalls): void {
    guarded.add(stub)
    const batchAppend = stub.batchAppend?.bind(stub)
    if (batchAppend) {
      stub.batchAppend = (...args) =>
        guardBatchStream(batchAppend(...args), {
          onSent(eventId) {
            sent.mark(eventId)
          },
          onAnswer() {
            lastAnswerMs = performance.now()
          },
          onStrayAnswer(correlationId) {
            logger.debug({ correlationId }, 'an answer to an append that nobody waits for')
          },
          onFailure(error) {
            logger.warn({ err: error }, 'the call that carries the appends has failed')
          },
        })
    }
    const append = stub.append?.bind(stub)
    if (append) {
      stub.append = (...args) => {
        const call = append(...args)
        const write = call.write.bind(call)
        // As in the guard of batch calls: what waits for `drain` would be rejected where nobody listens.
        call.write = (message) => {
          // The first message of a call has the options, each other one an event.
          const proposed = message.getProposedMessage()
          if (proposed) asJson(proposed)
          sent.mark(proposed?.getId()?.getString() ?? '')
          write(message)
          return true
        }
        return call
      }
    }
  }

  internals.getGRPCClient = async (constructor, name) => {
    const stub = await getStub(constructor, name)
    if (!guarded.has(stub)) guard(stub)
    return stub
  }

  return {
    client,
    sent,
    lastAnswerMs: () => lastAnswerMs,
    async dispose() {
      // It waits for its calls to end, which one that hangs may never do.
      await withinMs(client.dispose(), disposeMs)
      // The client's own `dispose` leaves the connection open.
      for (const stub of guarded) stub.close()
      guarded.clear()
    },
  }
}
