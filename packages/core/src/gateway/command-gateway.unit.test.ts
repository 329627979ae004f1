import { createWorld, testCommand, testTenant, type TestProcess, type World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { commandIdOf, type IdempotencyKey, type Tenant } from '../brands.ts'
import type { Command } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { keyMetadata } from '../key-state/state.ts'
import type { CommandTransport } from '../ports/command-transport.ts'
import type { Answer } from './answer.ts'
import { CommandGateway } from './command-gateway.ts'

const make = testCommand((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id } }))
const slowWorld = (options: Parameters<typeof testCommand>[1] = {}): World => {
  const command = testCommand(
    (input, ctx) => world.clock.sleep(1_000).then(() => ({ type: 'Made', data: { body: input.body, id: ctx.id } })),
    options,
  )
  const world: World = createWorld({ commands: [command, testCommand(() => [], { name: 'thing.other' })] })
  return world
}
const responseOf = (answer: Answer): { status: number; body: string } =>
  answer.kind === 'response' ? answer.response : expect.fail(`it was ${JSON.stringify(answer)}`)
const refusalOf = (answer: Answer): string => (answer.kind === 'refused' ? answer.code : answer.kind)
const commandId = commandIdOf(testTenant('acme'), 'k' as IdempotencyKey)

describe('one attempt', () => {
  test('is executed and answered', async () => {
    const world = createWorld({ commands: [make] })
    const answer = await world.start().submit()
    const [event] = world.log.events()
    expect(answer).toEqual({
      kind: 'response',
      commandId,
      response: keyMetadata(event ?? expect.fail('nothing was written')).outcome?.response,
      replayed: false,
      source: 'executed',
      expiresAtMs: world.clock.nowMs() + 86_400_000,
      position: String(event?.position),
    })
    expect(responseOf(answer)).toMatchObject({ status: 201, body: JSON.stringify(event?.data) })
  })

  test('again is a replay: the same bytes, and it says so', async () => {
    const process = createWorld({ commands: [make] }).start()
    const first = await process.submit()
    const again = await process.submit()
    expect(again).toEqual({ ...first, replayed: true, source: 'replayed' })
  })

  test('leaves no timer and nothing in flight behind', async () => {
    const world = createWorld({ commands: [make] })
    const { gateway, submit } = world.start()
    const answer = submit()
    expect([gateway.answering, gateway.keysInFlight]).toEqual([1, 1])
    await answer
    await world.clock.settle()
    expect([gateway.answering, gateway.keysInFlight, world.clock.pending]).toEqual([0, 0, 0])
  })
})

describe('what the handler is given', () => {
  const taken: CommandEnvelope[] = []
  const transport: CommandTransport = {
    dispatch: (envelope) => {
      taken.push(envelope)
      return { durable: async () => undefined, resolution: Promise.resolve({ kind: 'reused' }), attempts: () => 0 }
    },
    ready: () => true,
    close: async () => undefined,
  }
  const submit = async (command: Command, trace?: string): Promise<CommandEnvelope> => {
    const world = createWorld({ commands: [command] })
    const options = { transport, store: world.start().store, clock: world.clock, ids: world.ids, clockSkewMs: 0 }
    const gateway = new CommandGateway({ ...options, maxInFlight: 1, durableTimeoutMs: 1, readFirst: false })
    await gateway.submit({
      command,
      tenant: 'acme' as Tenant,
      key: 'k' as IdempotencyKey,
      input: { body: 'a', note: 'not counted' },
      waitMs: 1,
      requestId: 'r-1',
      ...(trace !== undefined && { traceparent: trace }),
    })
    return taken.at(-1) ?? expect.fail('nothing was dispatched')
  }

  test('is the envelope: identity, time and seed are fixed here', async () => {
    const envelope = await submit(make, '00-abc-def-01')
    expect(envelope).toEqual({
      v: 1,
      command: 'thing.make',
      tenant: 'acme',
      key: 'k',
      fingerprint: fingerprintOf('thing.make', { body: 'a', note: 'not counted' }),
      attemptId: envelope.attemptId,
      requestId: 'r-1',
      receivedAtMs: 1_700_000_000_000,
      seed: Number.parseInt(envelope.attemptId.slice(-8), 16),
      input: { body: 'a', note: 'not counted' },
      traceparent: '00-abc-def-01',
    })
    expect(envelope.attemptId).toMatch(/^018bcfe5-6800-7/)
    expect(JSON.parse(JSON.stringify(envelope))).toEqual(envelope)
    expect(await submit(make)).not.toHaveProperty('traceparent')
  })

  test('has the fingerprint of what the command says counts', async () => {
    const narrowed: Command = { ...make, fingerprint: (input: object) => ({ body: (input as { body: string }).body }) }
    const { fingerprint, input } = await submit(narrowed)
    expect(fingerprint).toBe(fingerprintOf('thing.make', { body: 'a' }))
    expect(input).toHaveProperty('note')
  })
})

describe('retries that arrive while the command runs', () => {
  test.each([50, 1_000])(
    '%d attach: one effect, identical bytes, and they are told that they are replays',
    async (count) => {
      const world = slowWorld()
      const process = world.start()
      const all = Array.from({ length: count }, () => process.submit())
      await world.clock.settle()
      expect([process.gateway.answering, process.gateway.keysInFlight]).toEqual([count, 1])
      await world.clock.runUntilIdle()
      const [first, ...rest] = await Promise.all(all)
      expect(first).toMatchObject({ replayed: false, source: 'executed' })
      expect(new Set([first, ...rest].map((answer) => responseOf(answer ?? expect.fail()).body)).size).toBe(1)
      expect(
        rest.every((answer) => answer.kind === 'response' && answer.replayed && answer.source === 'attached'),
      ).toBe(true)
      expect(world.log.events()).toHaveLength(1)
      expect(world.clock.pending).toBe(0)
    },
  )

  test("are refused where the command says concurrent: 'conflict', and leave no trace", async () => {
    const world = slowWorld({ concurrent: 'conflict' })
    const process = world.start()
    const first = process.submit()
    await world.clock.settle()
    expect(await process.submit()).toEqual({ kind: 'refused', code: 'command-in-progress', commandId })
    // The fingerprint is looked at before what is in flight.
    expect(refusalOf(await process.submit({ body: 'b' }))).toBe('idempotency-key-reused')
    await world.clock.runUntilIdle()
    expect(responseOf(await first)).toEqual(responseOf(await process.submit()))
  })

  test('a mixed storm: one request wins, the other is refused, and the key is not poisoned', async () => {
    const world = slowWorld()
    const process = world.start()
    const all = Array.from({ length: 40 }, (_, n) => process.submit({ body: n % 2 === 0 ? 'a' : 'b' }))
    await world.clock.runUntilIdle()
    const answers = await Promise.all(all)
    expect(answers.filter(({ kind }) => kind === 'response')).toHaveLength(20)
    expect(answers.filter((answer) => refusalOf(answer) === 'idempotency-key-reused')).toHaveLength(20)
    expect((await process.submit()).kind).toBe('response')
    expect(refusalOf(await process.submit({ body: 'b' }))).toBe('idempotency-key-reused')
    expect(world.log.events()).toHaveLength(1)
  })

  test('another command under the key is refused, in flight and done', async () => {
    const world = slowWorld()
    const process = world.start()
    const first = process.submit()
    expect(refusalOf(await process.submit({ command: 'thing.other' }))).toBe('idempotency-key-reused')
    await world.clock.runUntilIdle()
    await first
    expect(refusalOf(await process.submit({ command: 'thing.other' }))).toBe('idempotency-key-reused')
  })

  test('another tenant does not attach', async () => {
    const world = slowWorld()
    const process = world.start()
    const both = [process.submit({ tenant: 'a' }), process.submit({ tenant: 'b', body: 'b' })]
    await world.clock.runUntilIdle()
    expect((await Promise.all(both)).map((answer) => responseOf(answer).body.includes('"b"'))).toEqual([false, true])
  })
})

describe('the bound of requests in flight', () => {
  test('is kept: more are refused, whatever their key, and it frees itself', async () => {
    const world = slowWorld()
    const process = world.start({ maxInFlight: 3 })
    const taken = [process.submit({ key: 'k1' }), process.submit({ key: 'k1' }), process.submit({ key: 'k2' })]
    for (const key of ['k1', 'k3']) {
      expect(await process.submit({ key })).toMatchObject({ kind: 'refused', code: 'overloaded' })
    }
    expect(process.gateway.answering).toBe(3)
    await world.clock.runUntilIdle()
    await Promise.all(taken)
    expect(process.gateway.answering).toBe(0)
    expect((await process.submit({ key: 'k1' })).kind).toBe('response')
  })
})

describe('what the key resolves to is passed on', () => {
  test('expired, too large', async () => {
    const gone = testCommand(() => ({ type: 'Made', data: {} }), { expired: 'gone', retentionMs: 10 })
    const large = testCommand(() => ({ type: 'Made', data: { filler: 'x'.repeat(5_000) } }), { name: 'thing.large' })
    const world = createWorld({ commands: [gone, large], maxEventBytes: 4_000 })
    const process = world.start()
    await process.submit()
    await world.clock.advance(10)
    expect(await process.submit()).toEqual({ kind: 'refused', code: 'idempotency-key-expired', commandId })
    expect(refusalOf(await process.submit({ command: 'thing.large', key: 'k2' }))).toBe('body-too-large')
    expect(world.log.events()).toHaveLength(1)
  })

  test('unavailable, with the fault for the log; nothing is in flight afterwards', async () => {
    const process: TestProcess = createWorld({ commands: [make] }).start()
    process.store.faults.down = true
    expect(await process.submit()).toMatchObject({
      kind: 'refused',
      code: 'unavailable',
      cause: { code: 'unavailable' },
    })
    process.store.faults.down = false
    expect((await process.submit()).kind).toBe('response')
  })
})
