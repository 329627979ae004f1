import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { errorCatalogue, headers, problem, problemMediaType, type ErrorCode } from '@holdfast/contracts'
import type { Ids } from '@holdfast/core'

/** Faults that Node finds before there is a request: bytes that are not HTTP, headers too large, too slow. */
const socketCodes: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
}

export interface SocketErrors {
  /** To be told of every request, when its headers have come. */
  requested(socket: Socket, response: ServerResponse): void
  /** Answers on the bare socket, and closes it. */
  answer(error: NodeJS.ErrnoException, socket: Socket): void
}

/**
 * Answers what never became a request. The bytes at fault may stand behind a whole request on the same connection
 * (pipelined, or sent into a stream of results): then whoever waits there would take the answer for its own, and a
 * command that is executed would seem refused. That connection is closed without a word, and the retry learns the outcome.
 */
export function createSocketErrors(ids: Ids): SocketErrors {
  /** Of the newest request of each connection. */
  const newest = new WeakMap<Socket, ServerResponse>()
  return {
    requested: (socket, response) => void newest.set(socket, response),
    answer(error, socket) {
      if (socket.writable && error.code !== 'ECONNRESET' && !isOfAnother(newest.get(socket), socket))
        socket.end(answerTo(error, ids.uuid()))
      else socket.destroy()
    },
  }
}

/** Whether an answer that is written now would be taken for that to another request than the one at fault. */
function isOfAnother(response: ServerResponse | undefined, socket: Socket): boolean {
  if (response === undefined) return false
  // Connections are answered in order: with the newest request, all are. A fault in its body has its answer already.
  if (response.writableFinished) return !response.req.complete
  if (response.headersSent || response.req.complete) return true
  // The fault is in the body of this request. A response has no socket while others go before it.
  return response.socket !== socket
}

function answerTo(error: NodeJS.ErrnoException, requestId: string): string {
  const code = socketCodes[error.code ?? ''] ?? 'request-malformed'
  const { status, title, meaning } = errorCatalogue[code]
  const document = problem(code, { detail: meaning, instance: requestId })
  const body = JSON.stringify(document)
  const lines = [
    `HTTP/1.1 ${status} ${title}`,
    `${headers.contentType}: ${problemMediaType}`,
    `${headers.requestId}: ${requestId}`,
    `${headers.link}: <${document.type}>; rel="describedby"`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
