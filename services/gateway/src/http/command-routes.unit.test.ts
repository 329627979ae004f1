import { createLogger, createMetrics } from '@holdfast/observability'
import { createWorld, testCommand } from '@holdfast/testing/command-process'
import { fastify as createFastify } from 'fastify'
import { expect, test } from 'vitest'
import { collectAllowedMethods } from './allowed-methods.ts'
import { createAuthenticate } from './authenticate.ts'
import { acceptStrictJson } from './body.ts'
import { addCommandRoute } from './command-routes.ts'
import { answerErrors } from './errors.ts'

test('an outcome that cannot be written is answered all the same, and the retry gets it', async () => {
  const world = createWorld({ commands: [testCommand(({ body }) => ({ type: 'Made', data: { body } }))] })
  const { gateway, commands } = world.start()
  const [command] = commands
  if (command === undefined) throw new Error('the world has a command')
  const fastify = createFastify()
  fastify.decorateRequest('caller', null)
  acceptStrictJson(fastify)
  answerErrors(fastify, collectAllowedMethods(fastify))
  let faults = 1
  fastify.addHook('onRequest', (_request, { raw }, done) => {
    const writeHead = raw.writeHead.bind(raw) as (...args: unknown[]) => typeof raw
    raw.writeHead = (...args: unknown[]) => {
      if (faults-- > 0) throw new Error('no head can be written')
      return writeHead(...args)
    }
    done()
  })
  addCommandRoute(fastify, command, {
    gateway,
    authenticate: createAuthenticate(new Map()),
    metrics: createMetrics(),
    log: createLogger({ level: 'silent', service: 'test' }),
    serving: () => true,
    waitMs: 1_000,
    ofAllAnswers: [],
  })
  const attempt = () =>
    fastify.inject({
      method: command.route.method as 'POST',
      url: command.route.path,
      headers: { 'idempotency-key': 'k' },
      payload: { body: 'a' },
    })
  const first = await attempt()
  expect(first.statusCode).toBe(500)
  expect(first.json()).toMatchObject({ type: '/problems/internal', retryable: true })
  expect(first.body).not.toContain('head')
  const second = await attempt()
  expect(second.statusCode).toBe(201)
  expect(second.headers['idempotent-replayed']).toBe('true')
})
