import { headers } from '@holdfast/contracts'
import type { FastifyInstance } from 'fastify'

/** What a page may read of an answer besides the few headers that every page may read. */
const exposed = [
  headers.requestId,
  headers.idempotencyKey,
  headers.idempotencyExpires,
  headers.idempotentReplayed,
  headers.location,
  headers.retryAfter,
  headers.preferenceApplied,
  headers.link,
  headers.projectionPosition,
  headers.projectionVersion,
].join(', ')

/** What a page may send: the contract's request headers, `Last-Event-ID` for results, `traceparent` for tracing. */
const allowedHeaders = [
  'authorization',
  headers.contentType,
  headers.idempotencyKey,
  headers.prefer,
  'last-event-id',
  'traceparent',
].join(', ')
const allowedMethods = 'GET, POST, PUT, PATCH, DELETE'

/** How long a browser may keep the answer to a preflight; it cuts this to its own bound. */
const maxAgeSeconds = '7200'

/** What is added to each answer, whether or not its request names an origin: by name. */
export const corsHeadersOfAll = (origins: ReadonlySet<string>): ReadonlyMap<string, string> =>
  new Map(origins.size === 0 || origins.has('*') ? [] : [['vary', 'Origin']])

/**
 * Lets pages of these origins call the gateway (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). Without an
 * origin nothing is added, so browsers keep other pages out. Credentials are not allowed: an API key travels in a header
 * that the page sets, and no cookie is looked at.
 *
 * The headers go on the raw response, since a recorded answer is written past Fastify's reply.
 */
export function allowOrigins(fastify: FastifyInstance, origins: ReadonlySet<string>): void {
  if (origins.size === 0) return
  const any = origins.has('*')
  const named = corsHeadersOfAll(origins)
  fastify.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers
    for (const [name, value] of named) reply.raw.setHeader(name, value)
    if (origin === undefined || !(any || origins.has(origin))) {
      done()
      return
    }
    reply.raw.setHeader('access-control-allow-origin', any ? '*' : origin)
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
      reply.raw.setHeader('access-control-expose-headers', exposed)
      done()
      return
    }
    reply.raw.setHeader('access-control-allow-methods', allowedMethods)
    reply.raw.setHeader('access-control-allow-headers', allowedHeaders)
    reply.raw.setHeader('access-control-max-age', maxAgeSeconds)
    void reply.status(204).send()
  })
}
