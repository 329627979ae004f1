import {
  commandProgressSchema,
  commandStatusSchema,
  errorCatalogue,
  problemMediaType,
  problemSchema,
  releaseRequestSchema,
  resultEventSchema,
  resultOutcomes,
  type ErrorCode,
} from '@holdfast/contracts'
import type { App, Command, JsonObject } from '@holdfast/core'
import { z } from 'zod'
import { projectionPaths } from './openapi-projections.ts'

export type Json = JsonObject

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return json as unknown as Json
}

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
export const problemContent: Json = { [problemMediaType]: { schema: reference('Problem') } }
export const jsonContent = (schema: Json): Json => ({ 'application/json': { schema } })

/** The OpenAPI 3.1 document of an application, from its zod schemas. */
export function openApiOf(app: App, served: { readonly projections: boolean }): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const command of app.commands) {
    const path = (paths[command.route.path] ??= {})
    path[command.route.method.toLowerCase()] = operationOf(command)
  }
  paths['/commands/{command_id}'] = { get: lookup('getCommand', 'Where a command stands, by its id.', 'command_id') }
  paths['/idempotency-keys/{key}'] = { get: lookup('getIdempotencyKey', 'Where a key of this tenant stands.', 'key') }
  paths['/idempotency-keys/{key}/release'] = { post: releaseOperation() }
  paths['/results'] = { get: resultsOperation(app) }
  if (served.projections) for (const projection of app.projections) Object.assign(paths, projectionPaths(projection))
  return {
    openapi: '3.1.0',
    info: {
      title: app.name,
      version: '1',
      description: 'Every command is decided once for its key; every retry gets the recorded answer.',
    },
    paths,
    components: {
      schemas: {
        Problem: schemaOf(problemSchema, 'output'),
        CommandProgress: schemaOf(commandProgressSchema, 'output'),
        CommandStatus: schemaOf(commandStatusSchema, 'output'),
        ResultEvent: schemaOf(resultEventSchema, 'output'),
      },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'Where the gateway is set up with API keys.' },
      },
    },
    security: [{}, { apiKey: [] }],
  }
}

function operationOf(command: Command): Json {
  const schema = schemaOf(command.input, 'input')
  const { body, parameters } = splitParams(command, schema)
  return {
    operationId: command.name,
    summary: command.summary ?? command.name,
    parameters: [...parameters, ...headerParameters(command)],
    ...(body && { requestBody: { required: true, content: jsonContent(body) } }),
    responses: responsesOf(command),
  }
}

/** The path's parameters are members of the input schema: they are listed as parameters, the rest is the body. */
function splitParams(
  command: Command,
  schema: Json,
): { readonly body: Json | undefined; readonly parameters: readonly Json[] } {
  const properties = (schema['properties'] ?? {}) as Record<string, Json>
  const parameters = command.params.map((name): Json => ({
    name,
    in: 'path',
    required: true,
    schema: properties[name] ?? { type: 'string' },
  }))
  const inBody = Object.fromEntries(Object.entries(properties).filter(([name]) => !command.params.includes(name)))
  if (command.params.length > 0 && Object.keys(inBody).length === 0) return { body: undefined, parameters }
  const required = ((schema['required'] ?? []) as readonly string[]).filter((name) => !command.params.includes(name))
  return { body: command.params.length === 0 ? schema : { ...schema, properties: inBody, required }, parameters }
}

function headerParameters(command: Command): readonly Json[] {
  const prefer: Json = {
    name: 'Prefer',
    in: 'header',
    schema: { type: 'string' },
    description: '`wait=<seconds>` (at most 60) or `respond-async` (RFC 7240).',
  }
  if (command.identity === 'uri') return [prefer]
  const key: Json = {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    schema: { type: 'string', minLength: 1, maxLength: 257 },
    description:
      '1 to 255 visible ASCII characters, bare or as a quoted string (RFC 8941). One for each intent, the same for every retry.',
  }
  return [key, prefer]
}

const outHeaders: Json = {
  'Idempotency-Expires': {
    schema: { type: 'string', format: 'date-time' },
    description: 'Until then a retry gets this answer.',
  },
  'Idempotent-Replayed': { schema: { type: 'string', enum: ['true'] }, description: 'On a replay.' },
  Location: { schema: { type: 'string' }, description: '`/commands/{command_id}`' },
  'Projection-Position': {
    schema: { type: 'string' },
    description: 'Where the outcome stands: read projections with `after=` this.',
  },
  'X-Request-Id': { schema: { type: 'string' } },
}

/** Codes that no command answers with. */
const ofOthers: ReadonlySet<string> = new Set<ErrorCode>([
  'operator-required',
  'results-query-invalid',
  'too-many-consumers',
  'projection-query-invalid',
  'projection-behind',
])

function responsesOf(command: Command): Json {
  const success: Json = {
    description: 'Decided now, or earlier: the recorded answer.',
    headers: outHeaders,
    ...(command.output && { content: jsonContent(schemaOf(command.output, 'output')) }),
  }
  const responses: Record<string, Json> = {
    [String(command.successStatus)]: success,
    '202': {
      description: 'Accepted durably, and not finished within the wait.',
      headers: outHeaders,
      content: jsonContent(reference('CommandProgress')),
    },
  }
  const codes = new Map<number, string[]>()
  for (const [code, { status }] of [...Object.entries(errorCatalogue), ...Object.entries(command.refusals)]) {
    if (status === 404 || status === 405 || ofOthers.has(code)) continue
    codes.set(status, [...(codes.get(status) ?? []), code])
  }
  for (const [status, names] of codes) {
    responses[String(status)] = { description: names.map((code) => `\`${code}\``).join(', '), content: problemContent }
  }
  return responses
}

function lookup(operationId: string, summary: string, parameter: string): Json {
  return {
    operationId,
    summary,
    parameters: [{ name: parameter, in: 'path', required: true, schema: { type: 'string' } }],
    responses: {
      '200': { description: 'Found.', content: jsonContent(reference('CommandStatus')) },
      '404': { description: 'Not known to this tenant.', content: problemContent },
    },
  }
}

function releaseOperation(): Json {
  const text: Json = { type: 'string' }
  const released: Json = { type: 'object', properties: { at: text, by: text, reason: text } }
  return {
    operationId: 'releaseIdempotencyKey',
    summary: "Let a key be used again before its time, with an operator's key as bearer token.",
    parameters: [{ name: 'key', in: 'path', required: true, schema: text }],
    requestBody: { required: true, content: jsonContent(schemaOf(releaseRequestSchema, 'input')) },
    responses: {
      '200': {
        description: 'The next request under the key is executed as its next generation.',
        content: jsonContent({ type: 'object', properties: { generation: { type: 'integer' }, released } }),
      },
      '400': { description: '`request-malformed`, `request-invalid`', content: problemContent },
      '403': { description: '`operator-required`', content: problemContent },
      '404': { description: '`idempotency-key-not-found`', content: problemContent },
      '409': { description: '`command-in-progress`', content: problemContent },
      '503': { description: '`unavailable`', content: problemContent },
    },
  }
}

function resultsOperation(app: App): Json {
  const position: Json = { type: 'string', pattern: '^\\d{1,18}$' }
  const names = app.commands.map(({ name }) => name)
  const list = (values: readonly string[]): Json => ({ type: 'array', items: { type: 'string', enum: [...values] } })
  return {
    operationId: 'getResults',
    summary:
      'Outcomes of commands and releases of keys of this tenant, as server-sent events: first the past, then live.',
    parameters: [
      { name: 'command', in: 'query', schema: list(names), description: 'Only results of these commands.' },
      { name: 'outcome', in: 'query', schema: list(resultOutcomes), description: 'Only these outcomes.' },
      { name: 'after', in: 'query', schema: position, description: 'Only what stands after this position.' },
      { name: 'Last-Event-ID', in: 'header', schema: position, description: 'The same; wins over `after`.' },
    ],
    responses: {
      '200': {
        description:
          'An endless stream. `id` is the position, `event` the outcome, `data` a CloudEvent in JSON, of the schema ResultEvent.',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      '400': { description: '`results-query-invalid`', content: problemContent },
      '401': { description: '`unauthenticated`', content: problemContent },
      '503': { description: '`too-many-consumers`, `unavailable`', content: problemContent },
    },
  }
}
