import {
  auditGenerations,
  createWorld,
  testCommand,
  type TestCommandOptions,
  type World,
} from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { Resolution } from '../ports/command-transport.ts'

const retentionMs = 1_000
const command = (options: TestCommandOptions = {}) =>
  testCommand((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id } }), { retentionMs, ...options })
const generations = (world: World): number => auditGenerations(world.log.events(world.start().streamOf())).length
const bodyOf = (resolution: Resolution): string =>
  resolution.kind === 'outcome' ? resolution.response.body : expect.fail(`it came to ${resolution.kind}`)

describe('an expired key', () => {
  test('is the next generation, on the same stream; the history stays', async () => {
    const world = createWorld({ commands: [command()] })
    const process = world.start()
    const first = await process.dispatch().resolution
    await world.clock.advance(retentionMs - 1)
    expect(await process.dispatch().resolution).toEqual(first)
    await world.clock.advance(1)
    const second = await process.dispatch().resolution
    expect(bodyOf(second)).not.toBe(bodyOf(first))
    expect(second).toMatchObject({ generation: 2, expiresAtMs: world.clock.nowMs() + retentionMs })
    expect(await process.dispatch().resolution).toEqual(second)
    expect(generations(world)).toBe(2)
  })

  test('may name another request then', async () => {
    const world = createWorld({ commands: [command()] })
    const process = world.start()
    await process.dispatch().resolution
    await world.clock.advance(retentionMs)
    expect(bodyOf(await process.dispatch({ body: 'b' }).resolution)).toContain('"b"')
    expect(await process.dispatch().resolution).toEqual({ kind: 'reused' })
  })

  test('is executed once by many processes at the same moment', async () => {
    const world = createWorld({ commands: [command()] })
    await world.start().dispatch().resolution
    await world.clock.advance(retentionMs)
    const all = Array.from({ length: 20 }, () => world.start().dispatch().resolution)
    await world.clock.runUntilIdle()
    expect(new Set((await Promise.all(all)).map(bodyOf)).size).toBe(1)
    expect(generations(world)).toBe(2)
  })

  test.each([
    { case: "the handler's clock is behind the store's", skewMs: -400, storeSkewMs: 400 },
    { case: "the store's clock is behind the handler's", skewMs: 400, storeSkewMs: -400 },
  ])('is never reusable early: $case', async ({ skewMs, storeSkewMs }) => {
    const world = createWorld({ commands: [command()], clockSkewMs: 800, storeSkewMs })
    await world.start({ skewMs }).dispatch().resolution
    const fastest = world.start({ skewMs: 400 })
    for (let ms = 0; ms < retentionMs; ms += 100) {
      expect(await fastest.dispatch().resolution).toMatchObject({ generation: 1 })
      await world.clock.advance(100)
    }
    await world.clock.advance(1_600)
    expect(await fastest.dispatch().resolution).toMatchObject({ generation: 2 })
  })

  test("with expired: 'gone' it never executes again", async () => {
    const world = createWorld({ commands: [command({ expired: 'gone' })] })
    const process = world.start()
    const first = await process.dispatch().resolution
    await world.clock.advance(retentionMs - 1)
    expect(await process.dispatch().resolution).toEqual(first)
    await world.clock.advance(1)
    expect(await process.dispatch().resolution).toEqual({ kind: 'expired' })
    expect(await process.dispatch({ body: 'b' }).resolution).toEqual({ kind: 'reused' })
    expect(world.log.events()).toHaveLength(1)
  })

  // A handler that died between append and commit, and came back after the retention.
  test.each([{}, { expired: 'gone' }] as const)(
    'an attempt that is delivered again is not executed again (%j)',
    async (options) => {
      const world = createWorld({ commands: [command(options)] })
      const process = world.start()
      const envelope = process.envelope()
      const first = await process.handler.dispatch(envelope).resolution
      await world.clock.advance(100 * retentionMs)
      expect(await process.handler.dispatch(envelope).resolution).toEqual(first)
      expect(world.log.events()).toHaveLength(1)
    },
  )

  test('without any retention, attempts that came before the outcome still get it', async () => {
    const slow = testCommand(() => world.clock.sleep(50).then(() => ({ type: 'Made', data: {} })), { retentionMs: 0 })
    const world: World = createWorld({ commands: [slow] })
    const process = world.start()
    const [one, other] = [process.dispatch(), process.dispatch()]
    await world.clock.runUntilIdle()
    expect(await other.resolution).toEqual(await one.resolution)
    expect(world.log.events()).toHaveLength(1)
  })
})

describe('supersedes', () => {
  const superseding = { identity: 'uri', supersedes: true } as const

  test('another body is the next generation at once; the same body again replays', async () => {
    const world = createWorld({ commands: [command(superseding)] })
    const process = world.start()
    const first = await process.dispatch().resolution
    const second = await process.dispatch({ body: 'b' }).resolution
    expect([first, second]).toMatchObject([{ generation: 1 }, { generation: 2 }])
    expect(await process.dispatch({ body: 'b' }).resolution).toEqual(second)
    expect(bodyOf(await process.dispatch().resolution)).not.toBe(bodyOf(first))
    expect(generations(world)).toBe(3)
  })

  test('an attempt that is delivered again after it was superseded has its own outcome still', async () => {
    const world = createWorld({ commands: [command(superseding)] })
    const process = world.start()
    const envelope = process.envelope()
    const first = await process.handler.dispatch(envelope).resolution
    for (let n = 0; n < 100; n++) {
      await world.clock.advance(1)
      await process.dispatch({ body: `b${n}` }).resolution
    }
    expect(await process.handler.dispatch(envelope).resolution).toEqual(first)
    await world.clock.advance(100 * retentionMs)
    expect(await process.handler.dispatch(envelope).resolution).toEqual(first)
    expect(generations(world)).toBe(101)
  })

  test.each([
    { case: 'the key was new then', basedOn: 0, before: 0 },
    { case: 'the key was known then', basedOn: 1, before: 1 },
  ])('an attempt that a newer one has overtaken on its way does not execute: $case', async ({ basedOn, before }) => {
    const world = createWorld({ commands: [command(superseding)] })
    const process = world.start()
    for (let n = 0; n < before; n++) await process.dispatch({ body: 'first' }).resolution
    await world.clock.advance(1)
    const late = { ...process.envelope(), basedOnGeneration: basedOn }
    await world.clock.advance(1_001)
    const newer = await process.handler.dispatch({ ...process.envelope({ body: 'b' }), basedOnGeneration: basedOn })
      .resolution
    expect(await process.handler.dispatch(late).resolution).toEqual({ kind: 'superseded' })
    expect(await process.dispatch({ body: 'b' }).resolution).toEqual(newer)
    expect(generations(world)).toBe(before + 1)
    // Sent anew it is the newest request, and executes.
    await world.clock.advance(1)
    const anew = { ...process.envelope(), basedOnGeneration: before + 1 }
    expect(await process.handler.dispatch(anew).resolution).toMatchObject({ generation: before + 2 })
  })

  test('one that its caller gave up within the second, and that comes late, does not execute either', async () => {
    const world = createWorld({ commands: [command(superseding)] })
    const process = world.start()
    const late = { ...process.envelope(), basedOnGeneration: 0 }
    await world.clock.advance(5)
    const newer = { ...process.envelope({ body: 'b' }), basedOnGeneration: 0 }
    await process.handler.dispatch(newer).resolution
    await world.clock.advance(1_000)
    expect(await process.handler.dispatch(late).resolution).toEqual({ kind: 'superseded' })
    expect(generations(world)).toBe(1)
  })

  test('one that comes late, and was received after the other, is the newer one, and executes', async () => {
    const world = createWorld({ commands: [command(superseding)] })
    const process = world.start()
    const older = { ...process.envelope(), basedOnGeneration: 0 }
    await world.clock.advance(5)
    const newer = { ...process.envelope({ body: 'b' }), basedOnGeneration: 0 }
    await process.handler.dispatch(older).resolution
    await world.clock.advance(5_000)
    expect(await process.handler.dispatch(newer).resolution).toMatchObject({ generation: 2 })
  })

  test('an attempt that was made after the other one was there executes, however far its clock is behind', async () => {
    const world = createWorld({ commands: [command(superseding)] })
    await world.start({ skewMs: 5_000 }).dispatch({ body: 'b' }).resolution
    const behind = world.start()
    const attempt = { ...behind.envelope(), basedOnGeneration: 1 }
    expect(await behind.handler.dispatch(attempt).resolution).toMatchObject({ generation: 2 })
  })

  test.each([
    { first: 'b', second: 'c' },
    { first: 'c', second: 'b' },
  ])(
    'of two that were made side by side both execute, in the order in which they come: $first, $second',
    async (order) => {
      const world = createWorld({ commands: [command(superseding)] })
      const process = world.start()
      const older = { ...process.envelope({ body: 'b' }), basedOnGeneration: 0 }
      await world.clock.advance(1_000)
      const newer = { ...process.envelope({ body: 'c' }), basedOnGeneration: 0 }
      const [first, second] = order.first === 'b' ? [older, newer] : [newer, older]
      expect(await process.handler.dispatch(first).resolution).toMatchObject({ generation: 1 })
      expect(await process.handler.dispatch(second).resolution).toMatchObject({ generation: 2 })
      expect(generations(world)).toBe(2)
    },
  )

  test('waits for the running one to end: the history does not fork', async () => {
    const slow = testCommand(
      ({ body }) => world.clock.sleep(100).then(() => ({ type: 'Made', data: { body } })),
      superseding,
    )
    const world: World = createWorld({ commands: [slow] })
    const [one, other] = [world.start(), world.start()]
    const first = one.dispatch()
    await first.durable()
    // Another process knows of it from the stream only, and finishes it before its own.
    const second = other.dispatch({ body: 'b' })
    await world.clock.runUntilIdle()
    expect(await first.resolution).toMatchObject({ generation: 1 })
    expect(await second.resolution).toMatchObject({ generation: 2 })
    expect(bodyOf(await second.resolution)).toBe('{"body":"b"}')
    expect(generations(world)).toBe(2)
  })

  test('an acknowledged command is never lost: the acceptance of the one before is not its own', async () => {
    const slow = testCommand(
      ({ body }) => world.clock.sleep(100).then(() => ({ type: 'Made', data: { body } })),
      superseding,
    )
    const world: World = createWorld({ commands: [slow] })
    await world.start().dispatch().durable()
    const second = world.start().dispatch({ body: 'b' })
    let durableWith: number | undefined
    void second.durable().then(() => (durableWith = generations(world)))
    await world.clock.advance(50)
    expect(durableWith).toBeUndefined()
    await world.clock.runUntilIdle()
    expect(durableWith).toBe(2)
  })
})
