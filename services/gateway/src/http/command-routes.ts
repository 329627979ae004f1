import { headers, type CommandProgress } from '@holdfast/contracts'
import {
  parseIdempotencyKey,
  uriKey,
  type Answer,
  type Command,
  type CommandGateway,
  type IdempotencyKey,
  type JsonObject,
  type Tenant,
} from '@holdfast/core'
import type { AttemptResult, Metrics } from '@holdfast/observability'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from './authenticate.ts'
import { parsePrefer } from './prefer.ts'
import { ProblemError } from './problem-error.ts'
import { sendProblem } from './problem-reply.ts'
import { validateInput } from './validate-input.ts'

export interface CommandRouteOptions {
  readonly gateway: CommandGateway
  readonly authenticate: Authenticate
  readonly metrics: Metrics
  /** See GatewayParts.ready. */
  readonly ready: () => boolean
  /** Wait of an attempt that does not say, milliseconds. */
  readonly waitMs: number
}

/** Who asks, under which key: known before the body is read. */
interface Caller {
  readonly tenant: Tenant
  /** Undefined for a command that the URI identifies. */
  readonly key: IdempotencyKey | undefined
}

const callers = new WeakMap<FastifyRequest, Caller>()

/** `/api/orders/{order_id}` as Fastify writes it. */
export const fastifyPath = (path: string): string => path.replace(/\{([^}]+)\}/g, ':$1')

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
        callers.set(request, identify(request, reply, { command, options }))
        done()
      } catch (error) {
        done(error as Error)
      }
    },
    handler: (request, reply) => attempt(request, reply, { command, options }),
  })
}

interface Served {
  readonly command: Command
  readonly options: CommandRouteOptions
}

function identify(request: FastifyRequest, reply: FastifyReply, { command, options }: Served): Caller {
  const header = request.headers[headers.idempotencyKey] as string | undefined
  const parsed = parseIdempotencyKey(header)
  if (parsed.kind === 'key') void reply.header(headers.idempotencyKey, header)
  const tenant = options.authenticate(request)
  if (command.identity === 'uri') return { tenant, key: undefined }
  switch (parsed.kind) {
    case 'key':
      return { tenant, key: parsed.key }
    case 'missing':
      throw new ProblemError(
        'idempotency-key-missing',
        `${command.route.method} ${command.route.path} needs an Idempotency-Key header.`,
      )
    case 'invalid':
      throw new ProblemError('idempotency-key-invalid', `The Idempotency-Key cannot be used: ${parsed.reason}.`)
  }
}

async function attempt(
  request: FastifyRequest,
  reply: FastifyReply,
  { command, options }: Served,
): Promise<FastifyReply> {
  const started = performance.now()
  const caller = callers.get(request)
  if (caller === undefined) throw new Error('the request was not identified')
  const params = request.params as Readonly<Record<string, string>>
  const input = validateInput(command, request.body, params)
  const prefer = parsePrefer(request.headers[headers.prefer] as string | undefined)
  if (prefer.applied !== undefined) void reply.header(headers.preferenceApplied, prefer.applied)
  const traceparent = request.headers['traceparent']
  const answer = await options.gateway.submit({
    command,
    tenant: caller.tenant,
    key: caller.key ?? uriKey(command.route.method, command.route.path, params),
    input: input as JsonObject,
    waitMs: prefer.waitMs ?? options.waitMs,
    requestId: request.id,
    ...(typeof traceparent === 'string' && { traceparent }),
  })
  options.metrics.attempt(command.name, resultOf(answer), (performance.now() - started) / 1000)
  // A connection that was answered during a shutdown is not kept for another request.
  if (!options.ready()) void reply.header('connection', 'close')
  return send(request, reply, answer)
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  void reply.header(headers.location, `/commands/${answer.commandId}`)
  switch (answer.kind) {
    case 'response': {
      const { status, headers: declared, body } = answer.response
      void reply.status(status).headers(declared).header(headers.idempotencyExpires, rfc3339(answer.expiresAtMs))
      if (answer.replayed) void reply.header(headers.idempotentReplayed, 'true')
      return body === '' ? reply.send() : reply.send(body)
    }
    case 'pending': {
      const body: CommandProgress = { command_id: answer.commandId, state: answer.state, attempts: answer.attempts }
      return reply.status(202).header(headers.retryAfter, '1').send(body)
    }
    case 'refused':
      if (answer.cause !== undefined) request.log.warn({ err: answer.cause }, `attempt refused: ${answer.code}`)
      return sendProblem(request, reply, { code: answer.code })
  }
}

/** RFC 3339 in whole seconds, rounded up: a caller that goes by it is never early. */
export const rfc3339 = (timeMs: number): string =>
  new Date(Math.ceil(timeMs / 1000) * 1000).toISOString().replace('.000Z', 'Z')

const refusedAs: Record<Extract<Answer, { kind: 'refused' }>['code'], AttemptResult> = {
  'body-too-large': 'invalid',
  'command-in-progress': 'conflict',
  'idempotency-key-expired': 'expired',
  'idempotency-key-reused': 'mismatch',
  overloaded: 'overloaded',
  unavailable: 'unavailable',
}

function resultOf(answer: Answer): AttemptResult {
  if (answer.kind === 'refused') return refusedAs[answer.code]
  if (answer.kind === 'pending') return 'pending'
  return answer.source
}
