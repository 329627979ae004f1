import { problemSchema } from '@holdfast/contracts'
import { auditGenerations, createWorld, testCommand, type TestProcess } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { ok } from '../command/response.ts'
import { keyMetadata } from '../key-state/state.ts'
import { TransportError, type Resolution } from '../ports/command-transport.ts'

const make = testCommand((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id, n: ctx.random() } }))
const typesOf = (process: TestProcess, key = 'k'): string[] =>
  process.store.log.events(process.streamOf({ key })).map(({ type }) => type)
const responseOf = (resolution: Resolution): { status: number; body: string } =>
  resolution.kind === 'outcome' ? resolution.response : expect.fail(`it came to ${resolution.kind}`)

describe('a pure command', () => {
  test('is one append of one event, which carries the envelope, the outcome and the response', async () => {
    const world = createWorld({ commands: [make] })
    const process = world.start()
    const envelope = process.envelope()
    const resolution = await process.handler.dispatch(envelope).resolution
    const [event, ...more] = world.log.events()
    expect(more).toEqual([])
    const { response } = resolution.kind === 'outcome' ? resolution : expect.fail(resolution.kind)
    expect(event).toMatchObject({ stream: process.streamOf(), revision: 0n, type: 'Made' })
    expect(JSON.stringify(event?.data)).toBe(response.body)
    const { v, fingerprint, attemptId, ...recorded } = envelope
    expect(event?.metadata).toEqual({
      v,
      generation: 1,
      fingerprint,
      attemptId,
      envelope: recorded,
      outcome: {
        kind: 'succeeded',
        response,
        completedAtMs: world.clock.nowMs(),
        expiresAtMs: world.clock.nowMs() + 86_400_000,
        attempts: 1,
      },
    })
    expect(resolution).toMatchObject({ generation: 1, attemptId, outcome: 'succeeded' })
    expect(process.observed.decided).toEqual([{ outcome: 'succeeded', attempts: 1 }])
  })

  test('takes no timer, and leaves nothing behind', async () => {
    const world = createWorld({ commands: [make] })
    const process = world.start()
    const { resolution } = process.dispatch()
    expect(process.handler.size).toBe(1)
    await resolution
    await world.clock.settle()
    expect([world.clock.pending, process.handler.size]).toEqual([0, 0])
  })

  test('decides the same from the same envelope: id, time and random numbers are in it', async () => {
    const seen: unknown[] = []
    const command = testCommand((_input, ctx) => {
      seen.push([ctx.id, ctx.now().getTime(), ctx.random(), ctx.random(), ctx.tenant, ctx.key])
      return { type: 'Made', data: {} }
    })
    const world = createWorld({ commands: [command] })
    const envelope = world.start().envelope()
    for (const process of [world.start(), createWorld({ commands: [command] }).start()]) {
      await world.clock.advance(500)
      await process.handler.dispatch(envelope).resolution
    }
    expect(seen[1]).toEqual(seen[0])
  })

  test('of several events: one append, the response from the last one', async () => {
    const command = testCommand(
      () => [
        { type: 'One', data: { n: 1 } },
        { type: 'Two', data: { n: 2 } },
      ],
      { respond: (event, events) => ok({ last: event.type, all: events.map(({ type }) => type) }) },
    )
    const process = createWorld({ commands: [command] }).start()
    const response = responseOf(await process.dispatch().resolution)
    expect(JSON.parse(response.body)).toEqual({ last: 'Two', all: ['One', 'Two'] })
    const [generation] = auditGenerations(process.store.log.events(process.streamOf()))
    expect(generation?.events.map(({ type }) => type)).toEqual(['One', 'Two'])
    expect(generation?.events.map((event) => keyMetadata(event).outcome !== undefined)).toEqual([false, true])
  })

  test('of no event: that it succeeded is recorded', async () => {
    const process = createWorld({ commands: [testCommand(() => [], { respond: () => ok(null) })] }).start()
    expect(responseOf(await process.dispatch().resolution)).toMatchObject({ status: 200, body: 'null' })
    expect(typesOf(process)).toEqual(['CommandSucceeded'])
  })
})

describe('one effect per key', () => {
  test('however many attempts, however many processes', async () => {
    let tries = 0
    const command = testCommand((_input, ctx) => {
      tries++
      return { type: 'Made', data: { id: ctx.id } }
    })
    const world = createWorld({ commands: [command] })
    const processes = [world.start(), world.start(), world.start()]
    const all = processes.flatMap((process) => Array.from({ length: 50 }, () => process.dispatch().resolution))
    await world.clock.runUntilIdle()
    const bodies = new Set((await Promise.all(all)).map((resolution) => responseOf(resolution).body))
    expect(bodies.size).toBe(1)
    expect(world.log.events()).toHaveLength(1)
    expect(tries).toBeLessThanOrEqual(processes.length)
  })

  test('keys do not wait for one another; attempts at one key go one by one', async () => {
    const log: string[] = []
    const command = testCommand(async ({ body }, { key }) => {
      log.push(`${key} begins`)
      await world.clock.sleep(body === 'slow' ? 1_000 : 10)
      log.push(`${key} ends`)
      return { type: 'Made', data: {} }
    })
    const world = createWorld({ commands: [command] })
    const process = world.start()
    const slow = [process.dispatch({ key: 'k1', body: 'slow' }), process.dispatch({ key: 'k1', body: 'slow' })]
    const quick = process.dispatch({ key: 'k2' })
    expect(process.handler.size).toBe(2)
    await world.clock.runUntilIdle()
    await Promise.all([...slow, quick].map(({ resolution }) => resolution))
    expect(log).toEqual(['k1 begins', 'k2 begins', 'k2 ends', 'k1 ends'])
  })

  test('nobody sees another tenant: the same key of two tenants is two commands', async () => {
    const process = createWorld({ commands: [make] }).start()
    const [mine, other] = [process.dispatch({ tenant: 'a' }), process.dispatch({ tenant: 'b' })]
    expect(responseOf(await mine.resolution).body).not.toBe(responseOf(await other.resolution).body)
  })
})

describe('a key means one request', () => {
  const other = testCommand(() => ({ type: 'Refunded', data: {} }), { name: 'thing.refund' })

  test('another body, or another command, is refused, and leaves no trace', async () => {
    const world = createWorld({ commands: [make, other] })
    const process = world.start()
    const first = responseOf(await process.dispatch().resolution)
    expect(await process.dispatch({ body: 'b' }).resolution).toEqual({ kind: 'reused' })
    expect(await process.dispatch({ command: 'thing.refund' }).resolution).toEqual({ kind: 'reused' })
    expect(world.log.events()).toHaveLength(1)
    // The key is not poisoned.
    expect(responseOf(await process.dispatch().resolution)).toEqual(first)
  })

  test('in flight as well as done', async () => {
    const command = testCommand(() => world.clock.sleep(100).then(() => ({ type: 'Made', data: {} })))
    const world = createWorld({ commands: [command, other] })
    const process = world.start()
    const [first, wrong] = [process.dispatch(), process.dispatch({ body: 'b' })]
    await world.clock.runUntilIdle()
    expect((await first.resolution).kind).toBe('outcome')
    expect(await wrong.resolution).toEqual({ kind: 'reused' })
  })

  test('a different key with the same body is another request', async () => {
    const world = createWorld({ commands: [make] })
    const process = world.start()
    await Promise.all(['k1', 'k2'].map((key) => process.dispatch({ key }).resolution))
    expect(world.log.events()).toHaveLength(2)
  })
})

describe('a replay is byte-identical', () => {
  test('also after the code that renders the response was changed', async () => {
    const changed = testCommand(() => ({ type: 'Made', data: {} }), { respond: () => ok({ new: 'shape' }) })
    const world = createWorld({ commands: [make] })
    const first = await world.start().dispatch().resolution
    const later = createWorld({ commands: [changed] }).start()
    for (const event of world.log.events()) await later.store.append(event.stream, [event], 'no_stream')
    expect(await later.dispatch().resolution).toEqual(first)
  })

  test('and says which attempt was executed', async () => {
    const process = createWorld({ commands: [make] }).start()
    const [first, second] = [process.envelope(), process.envelope()]
    await process.handler.dispatch(first).resolution
    const replay = await process.handler.dispatch(second).resolution
    expect(replay.kind === 'outcome' && replay.attemptId).toBe(first.attemptId)
  })
})

describe('a business refusal', () => {
  const refuse = testCommand(({ body }, ctx) => ctx.refuse('test-refused', `No ${body}.`, { left: 3, status: 999 }))

  test('is an outcome: recorded as a problem document, and replayed', async () => {
    const world = createWorld({ commands: [refuse] })
    const process = world.start()
    const resolution = await process.dispatch({ requestId: 'r-1' }).resolution
    expect(resolution).toMatchObject({ kind: 'outcome', outcome: 'rejected', response: { status: 409 } })
    const { response } = resolution.kind === 'outcome' ? resolution : expect.fail(resolution.kind)
    expect(response.headers).toEqual({
      'content-type': 'application/problem+json',
      link: '</problems/test-refused>; rel="describedby"',
    })
    // What the command adds cannot take the place of what the document says.
    const problem = problemSchema.parse(JSON.parse(response.body))
    expect(problem).toEqual({
      type: '/problems/test-refused',
      title: 'Refused',
      status: 409,
      detail: 'No a.',
      instance: 'r-1',
      retryable: false,
      left: 3,
    })
    expect(typesOf(process)).toEqual(['CommandRejected'])
    expect(world.log.events()[0]?.data).toMatchObject({ code: 'test-refused', detail: 'No a.', left: 3 })
    expect(await process.dispatch({ requestId: 'r-2' }).resolution).toEqual(resolution)
    expect(world.log.events()).toHaveLength(1)
    expect(process.observed).toEqual({ failures: [], decided: [{ outcome: 'rejected', attempts: 1 }] })
  })
})

describe("concurrent: 'conflict'", () => {
  const slow = testCommand(() => world.clock.sleep(100).then(() => ({ type: 'Made', data: {} })), {
    concurrent: 'conflict',
  })
  let world = createWorld({ commands: [slow] })

  test('a retry while the first attempt runs is told so; afterwards it is a replay', async () => {
    world = createWorld({ commands: [slow] })
    const process = world.start()
    const first = process.dispatch()
    const retry = process.dispatch()
    expect(await retry.resolution).toEqual({ kind: 'in-progress' })
    await retry.durable()
    await world.clock.runUntilIdle()
    const outcome = await first.resolution
    expect(await process.dispatch().resolution).toEqual(outcome)
    expect(world.log.events()).toHaveLength(1)
  })

  test('another body is told that the key is in use, not that it is in progress', async () => {
    world = createWorld({ commands: [slow] })
    const process = world.start()
    const wrong = [process.dispatch(), process.dispatch({ body: 'b' })][1]
    await world.clock.runUntilIdle()
    expect(await wrong?.resolution).toEqual({ kind: 'reused' })
  })

  test('the same attempt, delivered twice, is no rival: it gets its outcome', async () => {
    world = createWorld({ commands: [slow] })
    const process = world.start()
    const envelope = process.envelope()
    const [once, again] = [process.handler.dispatch(envelope), process.handler.dispatch(envelope)]
    await world.clock.runUntilIdle()
    expect(await again.resolution).toEqual(await once.resolution)
  })
})

describe('what cannot be taken', () => {
  test('a command that the application does not have', async () => {
    const process = createWorld({ commands: [make] }).start()
    const dispatch = process.handler.dispatch({ ...process.envelope(), command: 'thing.unknown' })
    await expect(dispatch.resolution).rejects.toThrow(TransportError)
    await expect(dispatch.durable()).rejects.toThrow('no command "thing.unknown"')
    expect(dispatch.attempts()).toBe(0)
  })

  test('anything after close', async () => {
    const process = createWorld({ commands: [make] }).start()
    expect(process.handler.ready()).toBe(true)
    await process.handler.close()
    expect(process.handler.ready()).toBe(false)
    await expect(process.dispatch().resolution).rejects.toThrow(TransportError)
    await expect(process.dispatch().durable()).rejects.toThrow(TransportError)
    expect(process.store.log.events()).toEqual([])
  })
})
