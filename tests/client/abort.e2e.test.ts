import { HoldfastOutcomeUnknownError } from '@holdfast/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestServer } from '../support/server.ts'
import { connect, endOf, problemAnswer, startGateway } from './kit.ts'

const reason = new Error('the caller has changed its mind')

describe('a call that its caller aborts', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startGateway()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test('before it is sent: nothing is sent, and the signal’s reason is thrown', async () => {
    await using kit = await connect(server)
    const signal = AbortSignal.abort(reason)
    expect(await endOf(kit.client.send('test.slow', { label: 'a', ms: 0 }, { signal }))).toBe(reason)
    expect(kit.proxy.requests).toEqual([])
  })

  test.each([
    ['while the gateway waits for the outcome', 10_000, 1],
    ['while it is followed', 0, 2],
  ])('%s: the outcome is unknown, and the key goes on', async (_when, waitMs, requests) => {
    await using kit = await connect(server)
    const controller = new AbortController()
    const input = { label: 'b', ms: 2_000 }
    const call = endOf(kit.client.send('test.slow', input, { signal: controller.signal, waitMs }))
    await expect.poll(() => kit.proxy.requests.length, { timeout: 15_000 }).toBe(requests)
    controller.abort(reason)
    const error = await call
    expect(error).toBeInstanceOf(HoldfastOutcomeUnknownError)
    expect(error).toMatchObject({ reason: 'aborted', cause: reason, attempts: 1 })
    const { key } = error as HoldfastOutcomeUnknownError
    const outcome = await kit.client.send('test.slow', input, { key })
    expect(outcome).toMatchObject({ kind: 'succeeded', replayed: true })
    const events = await server.events(outcome.commandId)
    expect(
      events.filter(({ type }) => type === 'SlowDone'),
      'one effect',
    ).toHaveLength(1)
  })

  test('in a pause after an attempt that cannot have started it: the reason, and no doubt', async () => {
    const full = problemAnswer(503, 'overloaded', { retryable: true, headers: { 'retry-after': '30' } })
    await using kit = await connect(server, { faults: [full] })
    const controller = new AbortController()
    const call = endOf(kit.client.send('test.slow', { label: 'c', ms: 0 }, { signal: controller.signal }))
    await expect.poll(() => kit.retries.length).toBe(1)
    controller.abort(reason)
    expect(await call).toBe(reason)
  })

  test('a look-up', async () => {
    await using kit = await connect(server, { faults: [{ kind: 'hold-answer' }] })
    const controller = new AbortController()
    const call = endOf(kit.client.lookUpKey('k', { signal: controller.signal }))
    await expect.poll(() => kit.proxy.requests.length).toBe(1)
    controller.abort(reason)
    expect(await call).toBe(reason)
  })
})
