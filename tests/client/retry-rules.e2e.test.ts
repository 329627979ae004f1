import { HoldfastOutcomeUnknownError, HoldfastProblem, type RetryOptions } from '@holdfast/client'
import type { Fault } from '@holdfast/testing/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anOrder } from '../support/api.ts'
import type { TestServer } from '../support/server.ts'
import { connect, endOf, pageAnswer, problemAnswer, startGateway } from './kit.ts'

interface Row {
  /** What the first attempts meet; behind that, the gateway answers. */
  readonly meets: readonly Fault[]
  readonly then: 'executed' | 'replayed'
  /** What the pause before the second attempt is at least. */
  readonly pauseAtLeastMs?: number
}

const pass: Fault = { kind: 'pass' }

/** Rows of docs/client.md: what is sent again, under the same key. */
const sentAgain: Readonly<Record<string, Row>> = {
  'the connection breaks before the request arrives': { meets: [{ kind: 'cut-request' }], then: 'executed' },
  'the connection breaks before the answer arrives': { meets: [{ kind: 'cut-answer', bytes: 0 }], then: 'replayed' },
  'the answer breaks off': { meets: [{ kind: 'cut-answer', bytes: 10 }], then: 'replayed' },
  'several breaks in a row': {
    meets: [{ kind: 'cut-request' }, { kind: 'cut-answer', bytes: 0 }, { kind: 'cut-answer', bytes: 10 }],
    then: 'replayed',
  },
  'no answer in time': { meets: [{ kind: 'hold-answer' }], then: 'replayed' },
  '503 with Retry-After in seconds': {
    meets: [problemAnswer(503, 'unavailable', { retryable: true, headers: { 'retry-after': '1' } })],
    then: 'executed',
    pauseAtLeastMs: 1_000,
  },
  '503 with Retry-After as a date': {
    meets: [
      problemAnswer(503, 'unavailable', {
        retryable: true,
        headers: { date: 'Tue, 24 Nov 2026 08:00:00 GMT', 'retry-after': 'Tue, 24 Nov 2026 08:00:02 GMT' },
      }),
    ],
    then: 'executed',
    pauseAtLeastMs: 2_000,
  },
  '503 without Retry-After': { meets: [problemAnswer(503, 'unavailable', { retryable: true })], then: 'executed' },
  '503 overloaded': { meets: [problemAnswer(503, 'overloaded', { retryable: true })], then: 'executed' },
  '500 internal': { meets: [problemAnswer(500, 'internal', { retryable: true })], then: 'executed' },
  '408 request-timeout': { meets: [problemAnswer(408, 'request-timeout', { retryable: true })], then: 'executed' },
  'any problem that says retryable': {
    meets: [problemAnswer(425, 'too-early', { retryable: true })],
    then: 'executed',
  },
  '502 of a load balancer': { meets: [pageAnswer(502)], then: 'executed' },
  '504 of a load balancer': { meets: [pageAnswer(504)], then: 'executed' },
  '429 of a load balancer': {
    meets: [pageAnswer(429, { 'retry-after': '1' })],
    then: 'executed',
    pauseAtLeastMs: 1_000,
  },
}

interface Final {
  readonly meets: readonly Fault[]
  readonly code: string
}

/** What is final at the first attempt, where something in between answers. The gateway's own are below. */
const finalInBetween: Readonly<Record<string, Final>> = {
  'a 5xx problem that says it is final': {
    meets: [problemAnswer(501, 'no-such-thing', { retryable: false })],
    code: 'no-such-thing',
  },
  '403 of a firewall': { meets: [pageAnswer(403)], code: 'http-403' },
  '404 of a load balancer': { meets: [pageAnswer(404)], code: 'http-404' },
}

describe('the retry rules of the client, against a real gateway', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startGateway()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  describe('sent again, under the same key', () => {
    test.each(Object.entries(sentAgain))('%s', async (_what, { meets, then, pauseAtLeastMs = 0 }) => {
      const held = meets.some(({ kind }) => kind === 'hold-answer')
      await using kit = await connect(server, {
        faults: meets,
        retry: held ? { waitMs: 1_000, attemptTimeoutMs: 500 } : {},
      })
      const outcome = await kit.client.send('order.place', anOrder)
      if (outcome.kind !== 'succeeded') throw new Error('it was refused')
      expect(outcome.attempts).toBe(meets.length + 1)
      expect(outcome.replayed).toBe(then === 'replayed')
      expect(outcome.body).toMatchObject({ ...anOrder, status: 'confirmed' })
      expect(kit.keys(), 'one key for all attempts').toEqual([`"${outcome.key}"`])
      expect(kit.retries).toHaveLength(meets.length)
      expect(kit.retries[0]?.delayMs).toBeGreaterThanOrEqual(pauseAtLeastMs)
      expect(await server.events(outcome.commandId), 'one effect').toHaveLength(1)
    })

    test('409 while the first attempt runs, and then its outcome', async () => {
      await using first = await connect(server)
      await using second = await connect(server)
      const key = crypto.randomUUID()
      const input = { label: 'busy', ms: 3_000 }
      const running = first.client.send('test.slow-conflict', input, { key })
      await expect.poll(() => first.client.lookUpKey(key), { timeout: 15_000 }).toBeDefined()
      const outcome = await second.client.send('test.slow-conflict', input, { key })
      expect(outcome).toMatchObject({ kind: 'succeeded', replayed: true })
      expect(outcome.attempts).toBeGreaterThan(1)
      expect(second.retries[0]).toMatchObject({ cause: { code: 'command-in-progress' } })
      expect(second.retries[0]?.delayMs).toBeGreaterThanOrEqual(1_000)
      expect(outcome).toMatchObject({ body: ((await running) as { body: object }).body })
    })

    test('a gateway that is full, until it has room', async () => {
      await using full = await startGateway({ HOLDFAST_MAX_IN_FLIGHT: '1' })
      await using kit = await connect(full)
      const slow = kit.client.send('test.slow', { label: 'long', ms: 3_000 })
      await expect.poll(() => kit.posts()).toBe(1)
      const outcome = await kit.client.send('order.place', anOrder)
      expect(outcome).toMatchObject({ kind: 'succeeded', replayed: false })
      expect(outcome.attempts).toBeGreaterThan(1)
      expect(kit.retries[0]).toMatchObject({ cause: { code: 'overloaded' } })
      await slow
    })
  })

  describe('final at once', () => {
    test.each(Object.entries(finalInBetween))('%s', async (_what, { meets, code }) => {
      await using kit = await connect(server, { faults: meets })
      const error = await endOf(kit.client.send('order.place', anOrder))
      expect(error).toBeInstanceOf(HoldfastProblem)
      expect(error).toMatchObject({ code, attempts: 1, recorded: false, retryable: false })
      expect(kit.posts()).toBe(1)
    })

    test('400: the input is not what the schema asks for', async () => {
      await using kit = await connect(server)
      const error = await endOf(kit.client.send('order.place', { product_id: 'abc', quantity: -1 }))
      expect(error).toBeInstanceOf(HoldfastProblem)
      expect(error).toMatchObject({ code: 'request-invalid', status: 400, attempts: 1, issues: [{ path: 'quantity' }] })
      expect((error as HoldfastProblem).requestId).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('401: no API key, and with one it goes on', async () => {
      await using closed = await startGateway({ HOLDFAST_API_KEYS: 'acme=acme-key-0123456789' })
      await using nobody = await connect(closed)
      await using acme = await connect(closed, { apiKey: 'acme-key-0123456789' })
      expect(await endOf(nobody.client.send('order.place', anOrder))).toMatchObject({
        code: 'unauthenticated',
        attempts: 1,
      })
      expect(await acme.client.send('order.place', anOrder)).toMatchObject({ kind: 'succeeded' })
    })

    test('404 and 405: no such route', async () => {
      await using kit = await connect(server)
      const send = kit.client.send.bind(kit.client) as (command: string, input: object) => Promise<unknown>
      expect(await endOf(send('POST /nowhere', {}))).toMatchObject({ code: 'not-found', attempts: 1 })
      expect(await endOf(send('PATCH /api/order', {}))).toMatchObject({ code: 'method-not-allowed', attempts: 1 })
    })

    test('410: the key has expired, and its command does not execute again', async () => {
      await using kit = await connect(server)
      const key = crypto.randomUUID()
      const first = await kit.client.send('test.gone', { label: 'once' }, { key })
      await expect.poll(() => Date.now(), { timeout: 15_000 }).toBeGreaterThan(first.expiresAt.getTime())
      const error = await endOf(kit.client.send('test.gone', { label: 'once' }, { key }))
      expect(error).toMatchObject({ name: 'HoldfastProblem', code: 'idempotency-key-expired', attempts: 1 })
    })

    test('413: the body is too large', async () => {
      await using kit = await connect(server)
      const huge = { filler: 'x'.repeat(1_100_000) }
      expect(await endOf(kit.client.send('test.echo', huge))).toMatchObject({ code: 'body-too-large', attempts: 1 })
    })

    test('422: the key names another request', async () => {
      await using kit = await connect(server)
      const { key } = await kit.client.send('order.place', anOrder)
      const error = await endOf(kit.client.send('order.place', { ...anOrder, quantity: 3 }, { key }))
      expect(error).toMatchObject({ name: 'HoldfastProblem', code: 'idempotency-key-reused', attempts: 1 })
    })

    test('500: the command has failed for good, which is recorded', async () => {
      await using kit = await connect(server)
      const key = crypto.randomUUID()
      for (let call = 0; call < 2; call++) {
        const error = await endOf(kit.client.send('test.failing', { label: 'x' }, { key }))
        expect(error).toBeInstanceOf(HoldfastProblem)
        expect(error).toMatchObject({ code: 'command-failed', recorded: true, retryable: false, attempts: 1, key })
      }
    })

    test('a business refusal is an outcome: a value, with the code and the members that the command gave', async () => {
      await using kit = await connect(server)
      const key = crypto.randomUUID()
      const tooMany = { ...anOrder, quantity: 5_000 }
      const first = await kit.client.send('order.place', tooMany, { key })
      expect(first).toMatchObject({ kind: 'rejected', status: 409, attempts: 1, replayed: false })
      if (first.kind !== 'rejected') return
      expect(first.refusal).toMatchObject({ code: 'quantity-too-large', limit: 1_000 })
      expect(await kit.client.send('order.place', tooMany, { key })).toMatchObject({ kind: 'rejected', replayed: true })
    })
  })

  describe('the outcome is not known: the error carries the key, and a later call with it goes on', () => {
    const bounds: Readonly<
      Record<string, { meets: Fault; retry: Partial<RetryOptions>; reason: string; posts: number }>
    > = {
      'as many attempts as are allowed': {
        meets: { kind: 'cut-answer', bytes: 0 },
        retry: { maxAttempts: 3 },
        reason: 'attempts',
        posts: 3,
      },
      'a pause that would be longer than the time that is left': {
        meets: problemAnswer(503, 'unavailable', { retryable: true, headers: { 'retry-after': '3600' } }),
        retry: {},
        reason: 'time',
        posts: 1,
      },
      'no time left': { meets: { kind: 'hold-answer' }, retry: { totalTimeoutMs: 1_500 }, reason: 'time', posts: 1 },
      'a page in place of the gateway': { meets: pageAnswer(200), retry: {}, reason: 'not-holdfast', posts: 1 },
      'a redirect, which is not followed': {
        meets: pageAnswer(302, { location: '/login' }),
        retry: {},
        reason: 'not-holdfast',
        posts: 1,
      },
    }
    test.each(Object.entries(bounds))('%s', async (_what, { meets, retry, reason, posts }) => {
      await using kit = await connect(server, { faults: Array.from({ length: posts }, () => meets), retry })
      const error = await endOf(kit.client.send('order.place', anOrder))
      expect(error).toBeInstanceOf(HoldfastOutcomeUnknownError)
      const unknown = error as HoldfastOutcomeUnknownError
      expect(unknown).toMatchObject({ reason, attempts: posts })
      expect(kit.posts()).toBe(posts)
      const outcome = await kit.client.send('order.place', anOrder, { key: unknown.key })
      expect(outcome.kind).toBe('succeeded')
      expect(await server.events(outcome.commandId), 'one effect').toHaveLength(1)
    })

    test('a later attempt is refused, which says nothing of the one that got no answer', async () => {
      const faults: Fault[] = [
        { kind: 'cut-answer', bytes: 0 },
        problemAnswer(401, 'unauthenticated', { retryable: false }),
      ]
      await using kit = await connect(server, { faults })
      const error = await endOf(kit.client.send('order.place', anOrder))
      expect(error).toBeInstanceOf(HoldfastOutcomeUnknownError)
      expect(error).toMatchObject({ reason: 'refused', attempts: 2, cause: { code: 'unauthenticated' } })
      const outcome = await kit.client.send('order.place', anOrder, { key: (error as HoldfastOutcomeUnknownError).key })
      expect(outcome).toMatchObject({ kind: 'succeeded', replayed: true, attempts: 1 })
    })

    test('an API key that cannot be had any more, after an attempt that got no answer', async () => {
      const fault = new Error('the vault is closed')
      const keys = ['not-checked-here', fault]
      const apiKey = (): string => {
        const next = keys.shift()
        if (typeof next === 'string') return next
        throw fault
      }
      await using kit = await connect(server, { faults: [{ kind: 'cut-answer', bytes: 0 }], apiKey })
      const error = await endOf(kit.client.send('order.place', anOrder))
      expect(error).toMatchObject({ name: 'HoldfastOutcomeUnknownError', reason: 'aborted', cause: fault, attempts: 1 })
      expect(await endOf(kit.client.send('order.place', anOrder)), 'before the first attempt').toBe(fault)
      expect(kit.posts()).toBe(1)
    })

    test('but 422 does: the key was another request’s all along', async () => {
      await using kit = await connect(server)
      const { key } = await kit.client.send('order.place', anOrder)
      kit.proxy.plan([{ kind: 'cut-answer', bytes: 0 }])
      const error = await endOf(kit.client.send('order.place', { ...anOrder, quantity: 3 }, { key }))
      expect(error).toMatchObject({ name: 'HoldfastProblem', code: 'idempotency-key-reused', attempts: 2 })
    })
  })

  test('when no attempt can have started the command, giving up is a problem, and no doubt', async () => {
    const faults = Array.from({ length: 3 }, () => problemAnswer(503, 'overloaded', { retryable: true }))
    await using kit = await connect(server, { faults, retry: { maxAttempts: 3 } })
    const error = await endOf(kit.client.send('order.place', anOrder))
    expect(error).toBeInstanceOf(HoldfastProblem)
    expect(error).toMatchObject({ code: 'overloaded', retryable: true, attempts: 3, recorded: false })
    expect(await kit.client.lookUpKey((error as HoldfastProblem).key ?? '')).toBeUndefined()
  })

  test('a call that cannot be meant is not sent', async () => {
    await using kit = await connect(server, { faults: [pass] })
    const send = kit.client.send.bind(kit.client) as (
      command: string,
      input: object,
      options?: object,
    ) => Promise<unknown>
    for (const call of [
      send('order.place', anOrder, { key: 'a b' }),
      send('order.place', anOrder, { key: '' }),
      send('order.place', anOrder, { maxAttempts: 0 }),
      send('no.such-command', anOrder),
      send('order.put', anOrder),
      send('order.put', { ...anOrder, order_id: '..' }),
    ]) {
      expect(await endOf(call)).toBeInstanceOf(TypeError)
    }
    expect(kit.proxy.requests).toEqual([])
  })
})
