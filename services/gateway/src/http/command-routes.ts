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
import { endOfTurn } from './end-of-turn.ts'
import type { Authenticate } from './authenticate.ts'
import { parsePrefer } from './prefer.ts'
import { ProblemError } from './problem-error.ts'
import { sendProblem } from './problem-reply.ts'
import { validateInput } from './validate-input.ts'

export interface CommandRouteOptions {
  readonly gateway: CommandGateway
  readonly authenticate: Authenticate
  readonly metrics: Metrics
  /** False from the beginning of a shutdown on. */
  readonly serving: () => boolean
  /** Wait of an attempt that does not say, milliseconds. */
  readonly waitMs: number
}

/** Who asks, under which key: known before the body is read. */
interface Caller {
  readonly tenant: Tenant
  /** Undefined for a command that the URI identifies. */
  readonly key: IdempotencyKey | undefined
  /** The header as it was sent, for the echo. */
  readonly sentKey: string | undefined
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
        request.caller = identify(request, reply, { command, options })
        done()
      } catch (error) {
        done(error as Error)
      }
    },
    handler: (request, reply) => {
      const started = performance.now()
      const { caller } = request
      if (caller === null) throw new Error('the request was not identified')
      const prefer = parsePrefer(request.headers[headers.prefer] as string | undefined)
      const finish = (answer: Answer): void => {
        options.metrics.attempt(command.name, resultOf(answer), (performance.now() - started) / 1000)
        send(request, reply, { answer, caller, closing: !options.serving(), applied: prefer.applied })
      }
      submit(request, { command, options, caller, waitMs: prefer.waitMs ?? options.waitMs })
        // Others come together with the commit that they waited for.
        .then((answer) => (isReplay(answer) ? endOfTurn().then(() => finish(answer)) : finish(answer)))
        .catch((error: unknown) => reply.send(error))
    },
  })
}

interface Served {
  readonly command: Command
  readonly options: CommandRouteOptions
}

function identify(request: FastifyRequest, reply: FastifyReply, { command, options }: Served): Caller {
  const header = request.headers[headers.idempotencyKey] as string | undefined
  const parsed = parseIdempotencyKey(header)
  if (header !== undefined && parsed.kind === 'key') void reply.header(headers.idempotencyKey, header)
  const tenant = options.authenticate(request)
  if (command.identity === 'uri') return { tenant, key: undefined, sentKey: parsed.kind === 'key' ? header : undefined }
  switch (parsed.kind) {
    case 'key':
      return { tenant, key: parsed.key, sentKey: header }
    case 'missing':
      throw new ProblemError(
        'idempotency-key-missing',
        `${command.route.method} ${command.route.path} needs an Idempotency-Key header.`,
      )
    case 'invalid':
      throw new ProblemError('idempotency-key-invalid', `The Idempotency-Key cannot be used: ${parsed.reason}.`)
  }
}

function submit(
  request: FastifyRequest,
  { command, options, caller, waitMs }: Served & { readonly caller: Caller; readonly waitMs: number },
): Promise<Answer> {
  const params = request.params as Readonly<Record<string, string>>
  const input = validateInput(command, request.body, params)
  const traceparent = request.headers['traceparent']
  return options.gateway.submit({
    command,
    tenant: caller.tenant,
    key: caller.key ?? uriKey(command.route.method, command.route.path, params),
    input: input as JsonObject,
    waitMs,
    requestId: request.id,
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  })
}

interface Answered {
  readonly answer: Answer
  readonly caller: Caller
  /** A connection that is answered during a shutdown is not kept for another request. */
  readonly closing: boolean
  readonly applied: string | undefined
}

function send(request: FastifyRequest, reply: FastifyReply, answered: Answered): void {
  const { answer, closing, applied } = answered
  if (answer.kind === 'response') {
    sendRecorded(request, reply, { answered, answer })
    return
  }
  if (closing) void reply.header('connection', 'close')
  if (applied !== undefined) void reply.header(headers.preferenceApplied, applied)
  void reply.header(headers.location, locationOf(answer))
  if (answer.kind === 'pending') {
    const body: CommandProgress = { command_id: answer.commandId, state: answer.state, attempts: answer.attempts }
    void reply.status(202).header(headers.retryAfter, '1').send(body)
    return
  }
  if (answer.cause !== undefined) request.log.warn({ err: answer.cause }, `attempt refused: ${answer.code}`)
  void sendProblem(request, reply, { code: answer.code })
}

const isReplay = (answer: Answer): boolean => answer.kind === 'response' && answer.source === 'replayed'

const locationOf = ({ commandId }: Answer): string => `/commands/${commandId}`

/**
 * The recorded response goes out as the bytes that are stored, past Fastify's reply (its serialisation and header
 * objects): this is the path of nearly every request, and that is a measurable part of it (docs/performance.md).
 */
function sendRecorded(
  request: FastifyRequest,
  reply: FastifyReply,
  { answered, answer }: { readonly answered: Answered; readonly answer: Extract<Answer, { kind: 'response' }> },
): void {
  const { caller, applied, closing } = answered
  const { status, headers: declared, body } = answer.response
  const lines = [
    headers.requestId,
    request.id,
    headers.location,
    locationOf(answer),
    headers.idempotencyExpires,
    rfc3339(answer.expiresAtMs),
  ]
  if (caller.sentKey !== undefined) lines.push(headers.idempotencyKey, caller.sentKey)
  if (answer.position !== '') lines.push(headers.projectionPosition, answer.position)
  if (answer.replayed) lines.push(headers.idempotentReplayed, 'true')
  if (applied !== undefined) lines.push(headers.preferenceApplied, applied)
  if (closing) lines.push('connection', 'close')
  for (const name in declared) lines.push(name, declared[name] ?? '')
  const bytes = Buffer.byteLength(body)
  if (status !== 204 && status !== 304) lines.push('content-length', String(bytes))
  reply.raw.writeHead(status, lines)
  // Only now: what throws before is still answered, by Fastify. A reply that was taken from it is answered by nobody else.
  void reply.hijack()
  // ASCII, as most are, goes out without being encoded.
  reply.raw.end(body, bytes === body.length ? 'latin1' : 'utf8')
}

let lastSecond = 0
let lastText = ''

/** RFC 3339 in whole seconds, rounded up: a caller that goes by it is never early. Most answers of a second share one text. */
export function rfc3339(timeMs: number): string {
  const second = Math.ceil(timeMs / 1000)
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().replace('.000Z', 'Z')
    lastSecond = second
  }
  return lastText
}

const refusedAs: Record<Extract<Answer, { kind: 'refused' }>['code'], AttemptResult> = {
  'body-too-large': 'invalid',
  'command-in-progress': 'conflict',
  'idempotency-key-expired': 'expired',
  'idempotency-key-reused': 'mismatch',
  overloaded: 'overloaded',
  superseded: 'conflict',
  unavailable: 'unavailable',
}

function resultOf(answer: Answer): AttemptResult {
  if (answer.kind === 'refused') return refusedAs[answer.code]
  if (answer.kind === 'pending') return 'pending'
  return answer.source
}
