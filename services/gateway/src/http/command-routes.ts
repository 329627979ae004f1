import { headers } from '@holdfast/contracts'
import { parseIdempotencyKey, type Command } from '@holdfast/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerAttempt, type AttemptOptions } from './answer-attempt.ts'
import type { Authenticate } from './authenticate.ts'
import { callerOf, type Caller } from './caller.ts'
import { validateInput } from './validate-input.ts'
import type { WrittenAnswer } from './written-answer.ts'

export interface CommandRouteOptions extends AttemptOptions {
  readonly authenticate: Authenticate
  /** False from the beginning of a shutdown on. */
  readonly serving: () => boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null
  }
}

/** `/api/orders/{order_id}` as Fastify writes it. */
const fastifyPath = (path: string): string => path.replace(/\{([^}]+)\}/g, ':$1')

/**
 * Serves one command. The order of checks is fixed: authenticate, key (both before the body is read), body,
 * fingerprint, in flight, store.
 */
export function addCommandRoute(fastify: FastifyInstance, command: Command, options: CommandRouteOptions): void {
  fastify.route({
    method: command.route.method,
    url: fastifyPath(command.route.path),
    onRequest: (request, reply, done) => {
      try {
        request.caller = identify(request, reply, { command, authenticate: options.authenticate })
        done()
      } catch (error) {
        done(error as Error)
      }
    },
    handler: (request, reply) => {
      const { caller } = request
      if (caller === null) throw new Error('the request was not identified')
      const params = request.params as Readonly<Record<string, string>>
      const input = validateInput(command, request.body, params)
      const attempt = {
        command,
        caller,
        input,
        params,
        requestId: request.id,
        prefer: single(request.headers[headers.prefer]),
        traceparent: single(request.headers['traceparent']),
      }
      answerAttempt(attempt, options)
        .then((answer) => {
          send(reply, answer, options.serving())
        })
        .catch((error: unknown) => reply.send(error))
    },
  })
}

/** Node gives an array for `Set-Cookie` only. */
const single = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined

function identify(
  request: FastifyRequest,
  reply: FastifyReply,
  { command, authenticate }: { readonly command: Command; readonly authenticate: Authenticate },
): Caller {
  const header = single(request.headers[headers.idempotencyKey])
  const parsed = parseIdempotencyKey(header)
  if (header !== undefined && parsed.kind === 'key') void reply.header(headers.idempotencyKey, header)
  return callerOf(command, authenticate(request), { header, parsed })
}

/** Writes past Fastify's reply (its serialisation and header objects), which is a measurable part of a request. */
function send(reply: FastifyReply, { status, headers: lines, body, bytes }: WrittenAnswer, serving: boolean): void {
  // A connection that is answered during a shutdown is not kept for another request.
  if (!serving) lines.push('connection', 'close')
  reply.raw.writeHead(status, lines)
  // Only now: what throws before is still answered, by Fastify. A reply that was taken from it is answered by nobody else.
  void reply.hijack()
  // ASCII, as most are, goes out with the head, without being encoded.
  if (bytes === body.length) reply.raw.end(body, 'latin1')
  else {
    // Other text behind it: together both would be UTF-8. As text, since that is the same one for all who wait to be sent it.
    reply.raw.write('', 'latin1')
    reply.raw.end(body, 'utf8')
  }
}
