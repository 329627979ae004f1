import type { EventStore } from '@holdfast/core'
import type { Metrics } from '@holdfast/observability'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from './problem-error.ts'

export interface SystemRouteOptions {
  readonly store: EventStore
  readonly metrics: Metrics
  /** True when commands are taken: not shutting down, transport up. */
  readonly ready: () => boolean
}

/** `/livez`: the process turns. `/readyz`: the store has just taken a durable write. `/metrics`: Prometheus. */
export function addSystemRoutes(fastify: FastifyInstance, { store, metrics, ready }: SystemRouteOptions): void {
  fastify.get('/livez', () => ({ status: 'ok' }))
  fastify.get('/readyz', async (request) => {
    if (!ready())
      throw new ProblemError('unavailable', 'The gateway is starting, shutting down, or cut off from its broker.')
    try {
      await store.checkWritable()
    } catch (error) {
      request.log.warn({ err: error }, 'the event store takes no writes')
      throw new ProblemError('unavailable', 'The event store takes no writes.')
    }
    return { status: 'ok' }
  })
  fastify.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metrics.expose()
    return reply.header('content-type', contentType).send(body)
  })
}
