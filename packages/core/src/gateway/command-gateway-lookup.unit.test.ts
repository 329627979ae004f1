import {
  createWorld,
  testCommand,
  testTenant,
  type TestProcess,
  type TestRequest,
  type World,
} from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { commandIdOf, type IdempotencyKey } from '../brands.ts'
import { CommandGateway, type KeyLookup } from './command-gateway.ts'

const slowWorld = (): World => {
  const command = testCommand(
    ({ body }) => {
      if (body === 'fails') throw new Error('no')
      return world.clock.sleep(1_000).then(() => ({ type: 'Made', data: { body } }))
    },
    { retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } },
  )
  const world: World = createWorld({ commands: [command] })
  return world
}
const lookUp = (
  { gateway }: TestProcess,
  { tenant = 'acme', key = 'k' }: TestRequest = {},
): Promise<KeyLookup | undefined> =>
  gateway.lookup(testTenant(tenant), commandIdOf(testTenant('acme'), key as IdempotencyKey))

describe('looking a key up', () => {
  test('that was never used finds nothing', async () => {
    expect(await lookUp(slowWorld().start())).toBeUndefined()
  })

  test('in flight and not durable yet: pending, known to this gateway only', async () => {
    const world = slowWorld()
    const [process, other] = [world.start(), world.start()]
    void process.submit()
    await world.clock.settle()
    expect(await lookUp(process)).toEqual({
      kind: 'pending',
      command: 'thing.make',
      fingerprint: process.envelope().fingerprint,
      attempts: 1,
      receivedAtMs: world.clock.nowMs(),
    })
    expect(await lookUp(other)).toBeUndefined()
  })

  test('accepted, at any gateway', async () => {
    const world = slowWorld()
    const answer = world.start().submit({ waitMs: 0 })
    await world.clock.advance(0)
    await answer
    expect(await lookUp(world.start())).toMatchObject({ kind: 'accepted', generation: 1, failedAttempts: 0 })
  })

  test('with failed tries', async () => {
    const world = slowWorld()
    void world.start().submit({ body: 'fails' })
    await world.clock.settle()
    expect(await lookUp(world.start())).toMatchObject({ kind: 'accepted', failedAttempts: 1 })
  })

  test('resolved: with the response and the envelope, also when it was accepted before', async () => {
    const world = slowWorld()
    const process = world.start()
    for (const [key, waitMs] of [
      ['k1', 5_000],
      ['k2', 0],
    ] as const) {
      const answer = process.submit({ key, waitMs, requestId: `r-${key}` })
      await world.clock.runUntilIdle()
      await answer
      expect(await lookUp(process, { key })).toMatchObject({
        kind: 'resolved',
        outcome: { kind: 'succeeded', response: { status: 201, body: '{"body":"a"}' } },
        envelope: { command: 'thing.make', requestId: `r-${key}` },
      })
    }
  })

  test('nobody sees another tenant: not in flight, not accepted, not resolved', async () => {
    const world = slowWorld()
    const process = world.start()
    const answer = process.submit({ waitMs: 100 })
    await world.clock.settle()
    expect(await lookUp(process)).toBeDefined()
    expect(await lookUp(process, { tenant: 'other' })).toBeUndefined()
    await world.clock.advance(100)
    expect((await answer).kind).toBe('pending')
    expect(await lookUp(process, { tenant: 'other' })).toBeUndefined()
    await world.clock.runUntilIdle()
    expect(await lookUp(process)).toMatchObject({ kind: 'resolved' })
    expect(await lookUp(process, { tenant: 'other' })).toBeUndefined()
  })
})

describe('reading first', () => {
  /** A gateway whose transport is the process's handler, with what it is given noted. */
  const setUp = (): { world: World; process: TestProcess; gateway: CommandGateway; dispatched: string[] } => {
    const world = slowWorld()
    const process = world.start()
    const dispatched: string[] = []
    const gateway = new CommandGateway({
      transport: {
        dispatch: (envelope) => {
          dispatched.push(envelope.requestId)
          return process.handler.dispatch(envelope)
        },
        ready: () => true,
        close: async () => undefined,
      },
      store: process.store,
      clock: world.clock,
      ids: world.ids,
      clockSkewMs: 0,
      maxInFlight: 100,
      durableTimeoutMs: 1_000,
      readFirst: true,
    })
    return { world, process, gateway, dispatched }
  }
  const requestOf = (process: TestProcess, requestId: string, body = 'a'): Parameters<CommandGateway['submit']>[0] => {
    const { command: _command, tenant, key, input } = process.envelope({ body })
    return { command: process.commands[0] ?? expect.fail(), tenant, key, input, waitMs: 5_000, requestId }
  }

  test('a replay needs no dispatch, nor does a refusal', async () => {
    const { world, process, gateway, dispatched } = setUp()
    const first = gateway.submit(requestOf(process, 'r-1'))
    await world.clock.runUntilIdle()
    expect(await first).toMatchObject({ kind: 'response', replayed: false, source: 'executed' })
    expect(await gateway.submit(requestOf(process, 'r-2'))).toMatchObject({
      kind: 'response',
      replayed: true,
      source: 'replayed',
    })
    expect(await gateway.submit(requestOf(process, 'r-3', 'b'))).toMatchObject({ code: 'idempotency-key-reused' })
    expect(dispatched).toEqual(['r-1'])
  })

  test('retries attach while the stream is being read', async () => {
    const { world, process, gateway, dispatched } = setUp()
    const answers = ['r-1', 'r-2', 'r-3'].map((id) => gateway.submit(requestOf(process, id)))
    expect(gateway.keysInFlight).toBe(1)
    await world.clock.runUntilIdle()
    expect((await Promise.all(answers)).map(({ kind }) => kind)).toEqual(['response', 'response', 'response'])
    expect(dispatched).toEqual(['r-1'])
  })

  test('what is accepted elsewhere goes to the handler', async () => {
    const { world, process, gateway, dispatched } = setUp()
    const other = world.start()
    await other.dispatch().durable()
    other.store.faults.crash()
    const answer = gateway.submit(requestOf(process, 'r-1'))
    await world.clock.runUntilIdle()
    expect(await answer).toMatchObject({ kind: 'response', replayed: true })
    expect(dispatched).toEqual(['r-1'])
  })

  test('a store that is away: nothing is dispatched', async () => {
    const { process, gateway, dispatched } = setUp()
    process.store.faults.down = true
    expect(await gateway.submit(requestOf(process, 'r-1'))).toMatchObject({ code: 'unavailable' })
    expect(dispatched).toEqual([])
  })

  test('attempts are those of the handler, once it has the command', async () => {
    const { world, process, gateway } = setUp()
    void gateway.submit(requestOf(process, 'r-1'))
    const { tenant, key } = process.envelope()
    const lookUpNow = (): Promise<KeyLookup | undefined> => gateway.lookup(tenant, commandIdOf(tenant, key))
    await world.clock.settle()
    expect(await lookUpNow()).toMatchObject({ kind: 'pending', attempts: 1 })
  })
})
