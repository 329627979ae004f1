import { isUtf8 } from 'node:buffer'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { parseIdempotencyKey, parseStrictJson, type Command, type Ids } from '@holdfast/core'
import { answerAttempt, type AttemptOptions } from '../http/answer-attempt.ts'
import type { Authenticate } from '../http/authenticate.ts'
import { isJson } from '../http/body.ts'
import { callerOf } from '../http/caller.ts'
import type { SocketErrors } from '../http/socket-errors.ts'
import { validateInput } from '../http/validate-input.ts'
import { Connection, type ConnectionHost, type TakenRequest } from './connection.ts'
import { readRequest } from './read-request.ts'

export interface DirectOptions extends AttemptOptions {
  readonly commands: readonly Command[]
  readonly authenticate: Authenticate
  /** False from the beginning of a shutdown on. */
  readonly serving: () => boolean
  readonly ids: Ids
  readonly socketErrors: SocketErrors
  readonly maxBodyBytes: number
}

/** A path that means the same to every router. */
const plainPath = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/
/** Node keeps an idle connection so much longer than it tells, against resets; milliseconds. */
const idleMarginMs = 1_000

/**
 * Lets ordinary requests for commands pass Node's HTTP server and Fastify by: they are read from the socket and answered
 * there, at half of what a request costs (decision 0031). Everything else goes where it always went: other routes, paths with
 * parameters, requests that are not quite in order. Nothing is refused here: what does not pass all checks is answered there.
 */
export function serveDirectly(server: Server, options: DirectOptions): void {
  const toNode = server.listeners('connection')
  server.removeAllListeners('connection')
  const connections = new Set<Connection>()
  const take = createTake(options)
  const host: ConnectionHost = {
    take,
    handOver(socket, bytes) {
      socket.pause()
      socket.unshift(bytes)
      for (const listener of toNode) Reflect.apply(listener, server, [socket])
      socket.resume()
    },
    fault(socket, code) {
      options.socketErrors.answer(Object.assign(new Error(code), { code }), socket)
    },
    closed(connection) {
      connections.delete(connection)
    },
    serving: options.serving,
    firstRequestMs: server.headersTimeout,
    idleMs: server.keepAliveTimeout + idleMarginMs,
    keepSeconds: Math.floor(server.keepAliveTimeout / 1000),
  }
  server.on('connection', (socket: Socket) => {
    connections.add(new Connection(socket, host))
  })
  // Node calls the first one when it closes the server, and knows of its own connections only.
  const closeIdle = server.closeIdleConnections.bind(server)
  server.closeIdleConnections = () => {
    closeIdle()
    for (const connection of connections) if (connection.idle) connection.close()
  }
  const closeAll = server.closeAllConnections.bind(server)
  server.closeAllConnections = () => {
    closeAll()
    for (const connection of connections) connection.destroy()
  }
}

/** @see ConnectionHost.take */
function createTake(options: DirectOptions): ConnectionHost['take'] {
  const { authenticate, ids, maxBodyBytes } = options
  const commands = new Map(
    options.commands
      .filter(({ route }) => plainPath.test(route.path))
      .map((command) => [`${command.route.method} ${command.route.path} HTTP/1.1`, command]),
  )
  return (bytes): TakenRequest | 'incomplete' | undefined => {
    const text = bytes.toString('latin1')
    const lineEnd = text.indexOf('\r\n')
    const command = commands.get(text.slice(0, Math.max(0, lineEnd)))
    if (command === undefined) return undefined
    const request = readRequest(text, lineEnd, maxBodyBytes)
    if (request?.kind !== 'request') return request?.kind
    const { idempotencyKey: header, authorization, bodyAt, contentType, prefer, traceparent, close } = request
    const parsed = parseIdempotencyKey(header)
    if (!isJson(contentType) || (parsed.kind !== 'key' && command.identity !== 'uri')) return undefined
    const body = bytes.subarray(bodyAt)
    if (!isUtf8(body)) return undefined
    const json = parseStrictJson(body.toString('utf8'))
    if (json.kind === 'invalid') return undefined
    try {
      const caller = callerOf(command, authenticate({ headers: { authorization } }), { header, parsed })
      const input = validateInput(command, json.value, {})
      const requestId = ids.uuid()
      const attempt = { command, caller, input, params: {}, requestId, prefer, traceparent }
      return { answer: answerAttempt(attempt, options), close }
    } catch {
      // It is checked again, and answered, by Fastify.
      return undefined
    }
  }
}
