/**
 * A client that hides nothing, for tests of the HTTP contract.
 *
 * - `send.ts`: one request, one answer, as bytes
 * - `raw.ts`: any bytes on a socket, valid HTTP or not
 * - `cut.ts`: connections that break at a chosen moment
 * - `fault-proxy.ts`: stands between client and server, and lets requests meet faults
 * - `event-stream.ts`: server-sent events, one by one
 */
export type { HttpRequest, HttpResponse } from './send.ts'
export type { EventStream, EventStreamRequest, StreamedEvent } from './event-stream.ts'
export type { RawAnswer, RawRequest } from './raw.ts'
export type { Fault, FaultProxy, ProxiedRequest } from './fault-proxy.ts'
export { openFaultProxy } from './fault-proxy.ts'
export { send } from './send.ts'
export { parseAnswers, sendRaw } from './raw.ts'
export { cutAfterSend, cutDuringRead, cutWhileSending, requestBytes } from './cut.ts'
export { openEventStream } from './event-stream.ts'
