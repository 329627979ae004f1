import { HoldfastOutcomeUnknownError, HoldfastProblem } from '@holdfast/client'
import { send } from '@holdfast/testing/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestServer } from '../support/server.ts'
import { connect, endOf, problemAnswer, startGateway } from './kit.ts'

const operatorKey = 'operator-key-0123456789'
const notFound = problemAnswer(404, 'command-not-found', { retryable: false })

describe('a command that was accepted (202)', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startGateway({ HOLDFAST_OPERATOR_KEYS: `olga=${operatorKey}` })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test('is followed to its outcome: one attempt, look-ups, no replay', async () => {
    await using kit = await connect(server)
    const outcome = await kit.client.send('test.slow', { label: 'a', ms: 300 }, { waitMs: 0 })
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      status: 201,
      attempts: 1,
      replayed: false,
      body: { label: 'a' },
    })
    expect(kit.proxy.requests[0]?.headers['prefer']).toBe('respond-async')
    const lookups = kit.proxy.requests.slice(1)
    expect(lookups.length).toBeGreaterThan(0)
    for (const { method, path } of lookups) expect([method, path]).toEqual(['GET', `/commands/${outcome.commandId}`])
    expect(outcome.expiresAt.getTime()).toBeGreaterThan(Date.now())
    expect(kit.retries[0]?.delayMs, 'Retry-After').toBeGreaterThanOrEqual(1_000)
    const again = await kit.client.send('test.slow', { label: 'a', ms: 300 }, { key: outcome.key })
    expect(again).toMatchObject({
      kind: 'succeeded',
      replayed: true,
      attempts: 1,
      body: outcome.kind === 'succeeded' && outcome.body,
    })
  })

  test('a call that attaches to the running one and follows it is a replay', async () => {
    await using kit = await connect(server)
    const key = crypto.randomUUID()
    const call = () => kit.client.send('test.slow', { label: 'b', ms: 3_000 }, { key, waitMs: 0 })
    const [first, second] = [
      call(),
      expect
        .poll(() => kit.client.lookUpKey(key))
        .toBeDefined()
        .then(call),
    ]
    expect(await first).toMatchObject({ kind: 'succeeded', replayed: false })
    expect(await second).toMatchObject({ kind: 'succeeded', replayed: true })
  })

  test('look-ups that break, time out or are refused for the moment are tried again', async () => {
    const faults = [
      { kind: 'pass' },
      { kind: 'cut-request' },
      { kind: 'cut-answer', bytes: 20 },
      problemAnswer(503, 'unavailable', { retryable: true }),
      { kind: 'answer', status: 200, body: '{}' },
      { kind: 'hold-answer' },
    ] as const
    await using kit = await connect(server, { faults, retry: { attemptTimeoutMs: 500 } })
    const outcome = await kit.client.send('test.slow', { label: 'c', ms: 100 }, { waitMs: 0 })
    expect(outcome).toMatchObject({ kind: 'succeeded', attempts: 1, replayed: false })
    expect(kit.proxy.requests).toHaveLength(faults.length + 1)
  })

  test('where a gateway has not heard of it yet, it is sent again under the same key', async () => {
    await using kit = await connect(server, { faults: [{ kind: 'pass' }, notFound] })
    const outcome = await kit.client.send('test.slow', { label: 'd', ms: 50 }, { waitMs: 0 })
    expect(outcome).toMatchObject({ kind: 'succeeded', attempts: 2 })
    expect(kit.keys()).toEqual([`"${outcome.key}"`])
    const events = await server.events(outcome.commandId)
    expect(
      events.filter(({ type }) => type === 'SlowDone'),
      'one effect',
    ).toHaveLength(1)
  })

  test('a failure is found as well as a success', async () => {
    await using kit = await connect(server)
    const error = await endOf(kit.client.send('test.hanging', {}, { waitMs: 0 }))
    expect(error).toBeInstanceOf(HoldfastProblem)
    expect(error).toMatchObject({ code: 'command-failed', recorded: true, attempts: 1 })
    expect(kit.proxy.requests.at(-1)?.method).toBe('GET')
  })

  test('look-ups that are refused leave the outcome unknown, and the id is known', async () => {
    const faults = [{ kind: 'pass' }, problemAnswer(401, 'unauthenticated', { retryable: false })] as const
    await using kit = await connect(server, { faults })
    const error = await endOf(kit.client.send('test.slow', { label: 'e', ms: 0 }, { waitMs: 0 }))
    expect(error).toBeInstanceOf(HoldfastOutcomeUnknownError)
    const { reason, key, commandId = '' } = error as HoldfastOutcomeUnknownError
    expect(reason).toBe('refused')
    expect(await kit.client.lookUpCommand(commandId)).toEqual(await kit.client.lookUpKey(key))
  })

  test('it takes longer than the caller has time: the outcome is unknown, and a later call gets it', async () => {
    await using kit = await connect(server)
    const input = { label: 'f', ms: 2_500 }
    const error = await endOf(kit.client.send('test.slow', input, { waitMs: 0, totalTimeoutMs: 1_500 }))
    expect(error).toMatchObject({ name: 'HoldfastOutcomeUnknownError', reason: 'time' })
    const { key } = error as HoldfastOutcomeUnknownError
    expect(await kit.client.send('test.slow', input, { key })).toMatchObject({ kind: 'succeeded', replayed: true })
  })

  test('a key that an operator has released meanwhile is not executed anew by itself', async () => {
    const later = problemAnswer(503, 'unavailable', { retryable: true })
    await using kit = await connect(server, {
      faults: [{ kind: 'pass' }, ...Array.from({ length: 10_000 }, () => later)],
    })
    const key = crypto.randomUUID()
    const call = endOf(kit.client.send('test.slow', { label: 'g', ms: 50 }, { key, waitMs: 0 }))
    await using direct = await connect(server)
    await expect.poll(async () => (await direct.client.lookUpKey(key))?.state, { timeout: 15_000 }).toBe('succeeded')
    const released = await send({
      url: server.urls[0] ?? '',
      method: 'POST',
      path: `/idempotency-keys/${key}/release`,
      headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'a test' }),
    })
    expect(released.status).toBe(200)
    kit.proxy.plan([])
    expect(await call).toMatchObject({ name: 'HoldfastOutcomeUnknownError', reason: 'released', key })
  })
})

describe('look-ups', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startGateway()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test('a key that was never used is undefined; one with any characters is found', async () => {
    await using kit = await connect(server, { faults: [{ kind: 'cut-request' }] })
    expect(await kit.client.lookUpKey(crypto.randomUUID())).toBeUndefined()
    const key = `a"b\\c/d?e#f%g,h;${crypto.randomUUID()}`
    const { commandId } = await kit.client.send('order.place', { product_id: 'abc', quantity: 1 }, { key })
    expect(await kit.client.lookUpKey(key)).toMatchObject({ command_id: commandId, state: 'succeeded' })
    expect(await kit.client.lookUpCommand(commandId)).toMatchObject({ command: 'order.place' })
    expect(await kit.client.lookUpCommand('no id')).toBeUndefined()
  })

  test('within bounds: what went wrong last is thrown', async () => {
    const faults = Array.from({ length: 3 }, () => problemAnswer(503, 'unavailable', { retryable: true }))
    await using kit = await connect(server, { faults, retry: { maxAttempts: 3 } })
    expect(await endOf(kit.client.lookUpKey('k'))).toMatchObject({ name: 'HoldfastProblem', code: 'unavailable' })
    expect(kit.proxy.requests).toHaveLength(3)
  })
})
