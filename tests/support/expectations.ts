import {
  commandStatusSchema,
  errorCatalogue,
  problemMediaType,
  problemSchema,
  type CommandStatus,
  type ErrorCode,
  type Problem,
} from '@holdfast/contracts'
import type { HttpResponse } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'
import { expect } from 'vitest'
import type { Api, CallOptions } from './api.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Headers that belong to an attempt or to the connection: everything else of a recorded answer is replayed. */
const ofTheAttempt = new Set([
  'connection',
  'date',
  'idempotency-key',
  'idempotent-replayed',
  'keep-alive',
  'preference-applied',
  'x-request-id',
])

/** Asserts an answer of the error catalogue, whole: status, media type, document, link, request id. */
export function expectProblem(response: HttpResponse, code: ErrorCode): Problem {
  const { status, title, retryable } = errorCatalogue[code]
  const document = expectProblemDocument(response, code)
  expect({ status: response.status, title: document.title, retryable: document.retryable }).toEqual({
    status,
    title,
    retryable,
  })
  expect(document.instance, 'instance is this request').toBe(response.headers['x-request-id'])
  // Said only where it helps: `retryable` and this go together.
  if (status === 503 || code === 'command-in-progress') expect(response.headers['retry-after']).toMatch(/^\d+$/)
  else expect(response.headers['retry-after']).toBeUndefined()
  return document
}

/** Asserts the form of any problem: one of the catalogue, or an application's refusal. */
export function expectProblemDocument(response: HttpResponse, code: string): Problem {
  expect(response.body, `a problem document for ${code}`).toMatch(/^\{/)
  const document = problemSchema.parse(JSON.parse(response.body)) as Problem
  expect(document.type).toBe(`/problems/${code}`)
  expect(response.headers['content-type']).toBe(problemMediaType)
  expect(response.headers['link']).toBe(`</problems/${code}>; rel="describedby"`)
  expect(document.status).toBe(response.status)
  expect(document.detail).not.toBe('')
  expect(document.detail).not.toMatch(/\bat .*:\d+:\d+|node_modules|\.ts:/)
  expect(response.headers['x-request-id']).toMatch(uuid)
  return document
}

/** Asserts that `replay` is `first`: status, body bytes, declared headers; and says so. */
export function expectReplay(replay: HttpResponse, first: HttpResponse): void {
  expect(replay.status).toBe(first.status)
  expect(replay.bytes.equals(first.bytes), `the same bytes: ${first.body} / ${replay.body}`).toBe(true)
  expect(declared(replay)).toEqual(declared(first))
  expect(replay.headers['idempotent-replayed']).toBe('true')
  expect(replay.headers['x-request-id']).toMatch(uuid)
  expect(replay.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
}

function declared(response: HttpResponse): Record<string, string> {
  return Object.fromEntries(Object.entries(response.headers).filter(([name]) => !ofTheAttempt.has(name)))
}

/** Asserts that this attempt itself was executed. */
export function expectExecuted(response: HttpResponse, status = 201): void {
  expect({ status: response.status, body: response.body }).toEqual({ status, body: response.body })
  expect(response.headers['idempotent-replayed']).toBeUndefined()
  expect(response.headers['location']).toMatch(/^\/commands\/[0-9a-f]{64}$/)
  expect(response.headers['idempotency-expires']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(response.headers['x-request-id']).toMatch(uuid)
}

/** The look-up's document, checked against its schema. */
export function statusOf(response: HttpResponse): CommandStatus {
  expect(response.status, response.body).toBe(200)
  return commandStatusSchema.strict().parse(JSON.parse(response.body))
}

/** Looks a command up until it has an outcome. Nobody retries it meanwhile. */
export function untilResolved(api: Api, path: string, options?: CallOptions): Promise<CommandStatus> {
  return until(
    async () => {
      const response = await api.get(path, options)
      if (response.status !== 200) return undefined
      const status = statusOf(response)
      return status.response === undefined ? undefined : status
    },
    { what: `an outcome under ${path}`, timeoutMs: 30_000 },
  )
}
