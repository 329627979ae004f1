import type { Projection } from '@holdfast/core'
import { jsonContent, problemContent, schemaOf, type Json } from './openapi.ts'
import { defaultLimit, largestLimit } from './projection-query.ts'

const momentParameters: readonly Json[] = [
  {
    name: 'at',
    in: 'query',
    schema: { type: 'string' },
    description: 'State as of then: a position, or an RFC 3339 time.',
  },
  {
    name: 'after',
    in: 'query',
    schema: { type: 'string', pattern: '^\\d{1,19}$' },
    description: 'Wait, bounded, until the projection holds everything up to this position.',
  },
]

const outHeaders: Json = {
  'Projection-Position': { schema: { type: 'string' }, description: 'Everything up to here is in the answer.' },
  'Projection-Version': { schema: { type: 'string' }, description: 'Version of the definition that made it.' },
}

const faults = (notFound: string): Json => ({
  '400': { description: '`projection-query-invalid`', content: problemContent },
  '401': { description: '`unauthenticated`', content: problemContent },
  '404': { description: notFound, content: problemContent },
  '503': { description: '`projection-behind`, `unavailable`', content: problemContent },
})

/** The two routes of a projection. */
export function projectionPaths(projection: Projection): Record<string, Record<string, Json>> {
  const { name, summary = `The projection ${name}.` } = projection
  const document: Json = projection.document === undefined ? {} : schemaOf(projection.document, 'output')
  const item: Json = {
    type: 'object',
    properties: { id: { type: 'string' }, document },
    required: ['id', 'document'],
  }
  const page: Json = {
    type: 'object',
    properties: { items: { type: 'array', items: item }, next: { type: ['string', 'null'] } },
    required: ['items', 'next'],
  }
  const limit: Json = { type: 'integer', minimum: 1, maximum: largestLimit, default: defaultLimit }
  return {
    [`/projections/${name}`]: {
      get: {
        operationId: `list.${name}`,
        summary,
        parameters: [
          { name: 'limit', in: 'query', schema: limit },
          { name: 'cursor', in: 'query', schema: { type: 'string' }, description: '`next` of the page before.' },
          ...momentParameters,
        ],
        responses: {
          '200': { description: 'A page, in the order of the ids.', headers: outHeaders, content: jsonContent(page) },
          ...faults('`projection-not-found`'),
        },
      },
    },
    [`/projections/${name}/{id}`]: {
      get: {
        operationId: `get.${name}`,
        summary,
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }, ...momentParameters],
        responses: {
          '200': { description: 'The document.', headers: outHeaders, content: jsonContent(document) },
          ...faults('`projection-not-found`, `document-not-found`'),
        },
      },
    },
  }
}
