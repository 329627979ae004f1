import { request as requestPlain, type Agent, type IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { Socket } from 'node:net'
import type { Answer, Outcome } from '../attempt.ts'
import type { Target } from '../target.ts'
import { contentLength, hostHeader, type WireRequest } from './wire-request.ts'

export interface ExchangeOptions {
  readonly target: Target
  /** Connections to share, or one that is open already and ends with this exchange. */
  readonly over: Agent | Socket
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** No operation answers with more; a target that streams without end must not fill the memory of whoever besieges it. */
export const maxAnswerBytes = 4 * 1024 * 1024

/** Sends a request and reads the whole answer. Never rejects: what goes wrong is an outcome. */
export async function exchange(request: WireRequest, options: ExchangeOptions): Promise<Outcome> {
  const { target, over, timeoutMs } = options
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)])
  const shared = 'createConnection' in over
  return new Promise((resolve) => {
    const send = target.secure ? requestSecure : requestPlain
    const outgoing = send({
      host: target.hostname,
      port: target.port,
      method: request.method,
      path: request.path,
      headers: wireHeaders(request, target.host),
      signal,
      ...(shared ? { agent: over } : { createConnection: () => over }),
    })
    const fail = (error: Error): void => {
      if (!shared) over.destroy()
      // The server may close an idle connection just when the next request goes out on it: no answer, and no fault
      // of the server. The request is sent again, as every attempt here is.
      if (shared && outgoing.reusedSocket && codeOf(error) === 'ECONNRESET' && !signal.aborted) {
        resolve(exchange(request, options))
        return
      }
      resolve({ kind: 'failed', code: signal.aborted ? stopCode(options.signal) : codeOf(error) })
    }
    outgoing.once('error', fail)
    // Without a listener Node closes the connection and says nothing more.
    outgoing.once('upgrade', (_incoming, socket) => {
      socket.destroy()
      resolve({ kind: 'failed', code: 'status 101' })
    })
    outgoing.once('response', (incoming) => {
      collect(incoming).then((answer) => {
        if (!shared) over.destroy()
        resolve({ kind: 'answered', answer })
      }, fail)
    })
    outgoing.end(request.body)
  })
}

/** As Node takes them when their order and their number count: name, value, name, value. */
const wireHeaders = (request: WireRequest, host: string): readonly string[] =>
  [...hostHeader(request, host), ...request.headers, ...contentLength(request)].flat()

async function collect(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // Leaving the loop destroys the connection.
    if (bytes > maxAnswerBytes) throw Object.assign(new Error('the answer is too large'), { code: 'answer too large' })
    chunks.push(chunk)
  }
  const headers: Record<string, string> = {}
  for (const [name, values] of Object.entries(incoming.headersDistinct)) headers[name] = (values ?? []).join(', ')
  return { status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks) }
}

const stopCode = (stop: AbortSignal): string => (stop.aborted ? 'stopped' : 'timeout')

/** The code of a socket's error, in the name that Node gives it. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'broken answer'
