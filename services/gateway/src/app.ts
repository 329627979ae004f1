import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { Settings } from '@holdfast/config'
import { headers } from '@holdfast/contracts'
import type { App, CommandGateway, EventStore, Ids, ResultFeed } from '@holdfast/core'
import type { Logger, Metrics } from '@holdfast/observability'
import type { ProjectionReader } from '@holdfast/projections'
import {
  fastify as createFastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify'
import { serveDirectly } from './direct/serve-directly.ts'
import { collectAllowedMethods } from './http/allowed-methods.ts'
import { createAuthenticate, createAuthenticateOperator } from './http/authenticate.ts'
import { acceptStrictJson } from './http/body.ts'
import { addCommandRoute } from './http/command-routes.ts'
import { allowOrigins, corsHeadersOfAll } from './http/cors.ts'
import { answerErrors, sendError } from './http/errors.ts'
import { addLookupRoutes } from './http/lookup-routes.ts'
import { openApiOf } from './http/openapi.ts'
import { ProblemError } from './http/problem-error.ts'
import { addProjectionRoutes } from './http/projection-routes.ts'
import { addProblemPages } from './http/problem-pages.ts'
import { RequestLog } from './http/request-log.ts'
import { addReleaseRoute } from './http/release-route.ts'
import { addResultRoutes } from './http/result-routes.ts'
import { createSocketErrors } from './http/socket-errors.ts'
import { addSystemRoutes } from './http/system-routes.ts'

export interface GatewayParts {
  readonly app: App
  readonly gateway: CommandGateway
  readonly store: EventStore
  readonly results: ResultFeed
  /** Undefined where there is no read store: then reads of projections are told so. */
  readonly projections: ProjectionReader | undefined
  readonly ids: Ids
  readonly metrics: Metrics
  readonly log: Logger
  readonly settings: Settings
  /** False while commands cannot be taken: `/readyz` says so. */
  readonly ready: () => boolean
  /** Fires at the beginning of a shutdown: from then on connections are closed after their answer. */
  readonly stopping: AbortSignal
}

/** Longest path parameter: a key of 255 characters, each percent-encoded, and room for URI keys. */
const maxParamLength = 4096

/**
 * Content-Security-Policy of `/docs`: everything comes from the gateway itself. Swagger UI's own policy lets pages load
 * from a validator and any HTTPS origin, and turns HTTP into HTTPS, which a gateway on a plain port does not speak.
 */
const docsPolicy =
  "default-src 'self'; base-uri 'self'; font-src 'self' data:; frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self'"

/** Builds the HTTP edge. The caller listens and closes. */
export async function buildGateway(parts: GatewayParts): Promise<FastifyInstance> {
  const { app, gateway, store, ids, metrics, settings, ready, stopping } = parts
  const serving = (): boolean => !stopping.aborted
  const loggerInstance: FastifyBaseLogger = parts.log
  const socketErrors = createSocketErrors(ids)
  const fastify = createFastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger, bindings, options) => new RequestLog(() => logger.child(bindings, options)),
    requestIdHeader: false,
    genReqId: () => ids.uuid(),
    bodyLimit: settings.MAX_BODY_BYTES,
    requestTimeout: settings.BODY_TIMEOUT_MS,
    keepAliveTimeout: settings.IDLE_TIMEOUT_MS,
    // Node looks for late requests at this pace; its default, 30 s, would let a slow body hold its socket that long.
    http: {
      headersTimeout: settings.BODY_TIMEOUT_MS,
      // Node would answer a request without `Host` with an empty 400; `hostFault` does it with a problem document.
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(1000, settings.BODY_TIMEOUT_MS),
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength },
    frameworkErrors: (error, request, reply) => {
      void reply.header(headers.requestId, request.id)
      void sendError(error, request, reply)
    },
    clientErrorHandler: (error, socket) => {
      socketErrors.answer(error, socket)
    },
  })
  fastify.addHook('onRequest', (request, reply, done) => {
    socketErrors.requested(request.raw.socket, reply.raw)
    void reply.header(headers.requestId, request.id)
    if (!serving()) void reply.header('connection', 'close')
    done(hostFault(request))
  })
  allowOrigins(fastify, settings.CORS_ORIGINS)
  // An expectation that nobody knows is ignored (RFC 9110, section 10.1.1), where Node would answer an empty 417.
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response))
  fastify.decorateRequest('caller', null)
  acceptStrictJson(fastify)
  const allowed = collectAllowedMethods(fastify)
  answerErrors(fastify, allowed)

  const authenticate = createAuthenticate(settings.API_KEYS)
  const ofAllAnswers = [...corsHeadersOfAll(settings.CORS_ORIGINS)].flat()
  const attempts = { gateway, authenticate, metrics, log: parts.log, serving, waitMs: settings.WAIT_MS, ofAllAnswers }
  for (const command of app.commands) addCommandRoute(fastify, command, attempts)
  serveDirectly(fastify.server, {
    ...attempts,
    commands: app.commands,
    ids,
    socketErrors,
    maxBodyBytes: settings.MAX_BODY_BYTES,
  })
  addLookupRoutes(fastify, { gateway, authenticate })
  addReleaseRoute(fastify, {
    store,
    gateway,
    ids,
    authenticateOperator: createAuthenticateOperator(settings.OPERATOR_KEYS),
  })
  addResultRoutes(fastify, {
    app,
    feed: parts.results,
    authenticate,
    metrics: metrics.results,
    stopping,
    maxConsumers: settings.RESULTS_MAX_CONSUMERS,
    heartbeatMs: settings.RESULTS_HEARTBEAT_MS,
    stallMs: settings.RESULTS_STALL_MS,
  })
  if (app.projections.length > 0) addProjectionRoutes(fastify, { app, reader: parts.projections, authenticate })
  addSystemRoutes(fastify, { app, store, metrics, ready, projections: parts.projections })
  addProblemPages(fastify, app)
  const document = openApiOf(app, { projections: parts.projections !== undefined })
  fastify.get('/openapi.json', () => document)
  await fastify.register(swagger, { mode: 'static', specification: { document: document as never } })
  await fastify.register(swaggerUi, { routePrefix: '/docs', staticCSP: docsPolicy })
  return fastify
}

/** RFC 9112, section 3.2: a request of HTTP/1.1 without a `Host`, and one with two, is answered with 400. */
function hostFault({ raw }: FastifyRequest): ProblemError | undefined {
  let hosts = 0
  for (let at = 0; at < raw.rawHeaders.length; at += 2) {
    const name = raw.rawHeaders[at] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  if (hosts > 1) return new ProblemError('request-malformed', 'The header Host was sent twice.')
  if (hosts === 1 || raw.httpVersion !== '1.1') return undefined
  return new ProblemError('request-malformed', 'The header Host is missing.')
}
