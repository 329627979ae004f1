import { EventStoreError, type CommandGateway } from '@holdfast/core'
import { createLogger, createMetrics } from '@holdfast/observability'
import { createWorld, testCommand } from '@holdfast/testing/command-process'
import { parseAnswers, requestBytes, sendRaw, type HttpResponse } from '@holdfast/testing/http'
import { fastify as createFastify } from 'fastify'
import { describe, expect, test, vi } from 'vitest'
import { collectAllowedMethods } from '../http/allowed-methods.ts'
import { createAuthenticate } from '../http/authenticate.ts'
import { acceptStrictJson } from '../http/body.ts'
import { addCommandRoute } from '../http/command-routes.ts'
import { answerErrors } from '../http/errors.ts'
import { createSocketErrors } from '../http/socket-errors.ts'
import { serveDirectly } from './serve-directly.ts'

/** What an attempt is answered when the gateway fails with this error: read from the socket, and by Node's server. */
async function answersTo(error: unknown): Promise<readonly HttpResponse[]> {
  const world = createWorld({ commands: [testCommand(({ body }) => ({ type: 'Made', data: { body } }))] })
  const { commands } = world.start()
  const [command] = commands
  if (command === undefined) throw new Error('the world has a command')
  const ids = { uuid: () => 'request-1', attemptId: () => 'attempt-1' }
  const fastify = createFastify({ genReqId: ids.uuid })
  fastify.decorateRequest('caller', null)
  fastify.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id))
  acceptStrictJson(fastify)
  answerErrors(fastify, collectAllowedMethods(fastify))
  let byNode = 0
  fastify.addHook('onRequest', async () => void byNode++)
  const options = {
    gateway: { submit: vi.fn().mockRejectedValue(error) } as unknown as CommandGateway,
    authenticate: createAuthenticate(new Map()),
    metrics: createMetrics(),
    log: createLogger({ level: 'silent', service: 'test' }),
    serving: () => true,
    waitMs: 1_000,
    ofAllAnswers: [],
  }
  addCommandRoute(fastify, command, options)
  serveDirectly(fastify.server, {
    ...options,
    commands,
    ids,
    socketErrors: createSocketErrors(ids),
    maxBodyBytes: 1_000,
  })
  try {
    const url = await fastify.listen({ port: 0, host: '127.0.0.1' })
    const ask = async (more: Record<string, string>): Promise<readonly HttpResponse[]> => {
      const headers = { 'idempotency-key': 'k', 'content-type': 'application/json', connection: 'close', ...more }
      const request = { method: command.route.method, url, path: command.route.path, headers, body: '{"body":"a"}' }
      return parseAnswers((await sendRaw({ url, bytes: [requestBytes(request)] })).bytes)
    }
    const directly = await ask({})
    expect(byNode).toBe(0)
    const through = await ask({ te: 'trailers' })
    expect(byNode).toBe(1)
    return [...directly, ...through]
  } finally {
    await fastify.close()
  }
}

describe('an attempt at which the gateway fails', () => {
  test.each([
    { what: 'a store that is away', error: new EventStoreError('unavailable', 'secret'), status: 503 },
    { what: 'an append that may have been made', error: new EventStoreError('unknown-outcome', 'secret'), status: 503 },
    { what: 'a damaged store', error: new EventStoreError('corrupt', 'secret'), status: 500 },
    { what: 'a defect', error: new TypeError('secret'), status: 500 },
    { what: 'no error at all', error: undefined, status: 500 },
  ])('is answered the same on both ways: $what', async ({ error, status }) => {
    const [directly, through, ...others] = await answersTo(error)
    expect(others).toEqual([])
    expect(directly?.status).toBe(status)
    expect(directly?.headers).toMatchObject({ 'idempotency-key': 'k', 'x-request-id': 'request-1' })
    expect(directly?.body.toString()).not.toContain('secret')
    const comparable = (answer: HttpResponse | undefined) => ({ ...answer, headers: { ...answer?.headers, date: '' } })
    expect(comparable(directly)).toEqual(comparable(through))
  })
})
