import type { App, EventStore } from '@holdfast/core'
import type { Metrics } from '@holdfast/observability'
import type { ProjectionReader } from '@holdfast/projections'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from './problem-error.ts'

export interface SystemRouteOptions {
  readonly app: App
  readonly store: EventStore
  readonly metrics: Metrics
  /** True when commands are taken: not shutting down, transport up. */
  readonly ready: () => boolean
  /** Undefined where projections are not read. */
  readonly projections: ProjectionReader | undefined
}

/** `/livez`: the process turns. `/readyz`: the store has just taken a durable write; how projections stand. `/metrics`: Prometheus. */
export function addSystemRoutes(fastify: FastifyInstance, options: SystemRouteOptions): void {
  const { store, metrics, ready } = options
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
    const projections = await standings(options)
    return { status: 'ok', ...(projections && { projections }) }
  })
  fastify.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metrics.expose()
    return reply.header('content-type', contentType).send(body)
  })
}

/** A load balancer asks often, and does not wait long: a read store that hangs must not make the gateway look dead. */
const standingMs = 500

/** What is read of a projection. That one stands still, or cannot be read now, keeps no command from being taken. */
type Standing =
  | { readonly state: 'live' | 'failed'; readonly version: number; readonly position: string }
  | { readonly state: 'not-built' | 'unknown' }

async function standings({
  app,
  projections,
}: SystemRouteOptions): Promise<Readonly<Record<string, Standing>> | undefined> {
  if (projections === undefined || app.projections.length === 0) return undefined
  const all = app.projections.map(async ({ name }): Promise<[string, Standing]> => {
    try {
      const builds = await inTime(projections.builds(name))
      if (builds === undefined) return [name, { state: 'unknown' }]
      const live = builds.find((build) => build.live)
      if (live === undefined) return [name, { state: 'not-built' }]
      const { version, position, failure } = live
      return [name, { state: failure === undefined ? 'live' : 'failed', version, position: String(position) }]
    } catch {
      return [name, { state: 'unknown' }]
    }
  })
  return Object.fromEntries(await Promise.all(all))
}

/** Undefined when it takes longer than `standingMs`. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => {
    late.resolve(undefined)
  }, standingMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
