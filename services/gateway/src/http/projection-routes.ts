import { headers } from '@holdfast/contracts'
import type { App, Projection } from '@holdfast/core'
import type { DocumentAnswer, PageAnswer, ProjectionReader, ReadRefusal } from '@holdfast/projections'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Authenticate } from './authenticate.ts'
import { ProblemError } from './problem-error.ts'
import { cursorBehind, parseProjectionPageQuery, parseProjectionQuery } from './projection-query.ts'

export interface ProjectionRouteOptions {
  readonly app: App
  /** Undefined where there is no read store: every read is told so. */
  readonly reader: ProjectionReader | undefined
  readonly authenticate: Authenticate
}

/**
 * `GET /projections/{name}` and `GET /projections/{name}/{id}`: documents of the caller's own tenant (or, of a shared
 * projection, of all), now or as of a moment. What is stored goes out as it is.
 */
export function addProjectionRoutes(
  fastify: FastifyInstance,
  { app, reader, authenticate }: ProjectionRouteOptions,
): void {
  const projectionNamed = (name: string): Projection => {
    const projection = app.projection(name)
    if (projection === undefined)
      throw new ProblemError('projection-not-found', 'This application has no projection of this name.')
    return projection
  }
  const readerOfAll = (): ProjectionReader => {
    if (reader === undefined)
      throw new ProblemError('projection-not-found', 'This gateway has no read store: it serves no projections.')
    return reader
  }

  fastify.get<{ Params: { name: string } }>('/projections/:name', async (request, reply) => {
    const tenant = authenticate(request)
    const projection = projectionNamed(request.params.name)
    const query = parseProjectionPageQuery(request.query)
    const answer = read(await readerOfAll().page({ projection, tenant, ...query }))
    const items = answer.documents.map(({ id, json }) => `{"id":${JSON.stringify(id)},"document":${json}}`)
    const last = answer.more ? answer.documents.at(-1) : undefined
    const next = last === undefined ? 'null' : `"${cursorBehind(last.id)}"`
    return send(reply, answer, `{"items":[${items.join(',')}],"next":${next}}`)
  })

  fastify.get<{ Params: { name: string; id: string } }>('/projections/:name/:id', async (request, reply) => {
    const tenant = authenticate(request)
    const projection = projectionNamed(request.params.name)
    const query = parseProjectionQuery(request.query)
    const { id } = request.params
    // No such id can be stored, nor asked for.
    const impossible = id.includes('\0') || !id.isWellFormed()
    const answer = read(await readerOfAll().document({ projection, tenant, id: impossible ? '' : id, ...query }))
    if (answer.json !== undefined) return send(reply, answer, answer.json)
    place(reply, answer)
    throw new ProblemError('document-not-found', 'This projection holds no document with this id for this tenant.')
  })
}

/** @throws ProblemError `projection-behind` */
function read<Answer extends PageAnswer | DocumentAnswer>(answer: Answer): Exclude<Answer, ReadRefusal> {
  switch (answer.kind) {
    case 'read':
      return answer as Exclude<Answer, ReadRefusal>
    case 'not-built':
      throw new ProblemError('projection-behind', 'The projection, or this version of it, is not there yet.')
    case 'late':
      throw new ProblemError('projection-behind', 'The projection did not come to that position in time.')
    case 'not-reached':
      throw new ProblemError('projection-behind', 'This version of the projection is not built up to that moment yet.')
  }
}

interface Placed {
  readonly version: number
  readonly position: bigint
}

function place(reply: FastifyReply, { version, position }: Placed): void {
  void reply
    .header(headers.projectionPosition, String(position))
    .header(headers.projectionVersion, String(version))
    .header('cache-control', 'no-store')
}

function send(reply: FastifyReply, answer: Placed, json: string): FastifyReply {
  place(reply, answer)
  return reply.header(headers.contentType, 'application/json; charset=utf-8').send(json)
}
