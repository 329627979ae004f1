import { auditGenerations, createWorld, testCommand } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'

const make = testCommand((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id } }))

describe('a handler that expects fresh keys', () => {
  test('appends without a look, and only once', async () => {
    const world = createWorld({ commands: [make] })
    const process = world.start({ expectFresh: true })
    let reads = 0
    const read = process.store.read.bind(process.store)
    process.store.read = (stream, options) => {
      reads++
      return read(stream, options)
    }
    await process.dispatch().resolution
    expect(reads).toBe(0)
    expect(world.log.events()).toHaveLength(1)
  })

  test('a key that is known after all: the append is refused, and the recorded outcome is the answer', async () => {
    const world = createWorld({ commands: [make] })
    const first = await world.start().dispatch().resolution
    const again = world.start({ expectFresh: true }).dispatch()
    await world.clock.runUntilIdle()
    expect(await again.resolution).toEqual(first)
    const wrong = world.start({ expectFresh: true }).dispatch({ body: 'b' })
    await world.clock.runUntilIdle()
    expect((await wrong.resolution).kind).toBe('reused')
    expect(world.log.events()).toHaveLength(1)
    auditGenerations(world.log.events())
  })

  test('a command that another handler may have had: the stream is read first, and it is not executed in vain', async () => {
    let executed = 0
    const counting = testCommand(({ body }) => {
      executed++
      return { type: 'Made', data: { body } }
    })
    const world = createWorld({ commands: [counting] })
    const dead = world.start({ expectFresh: true })
    const envelope = dead.envelope()
    const first = await dead.handler.dispatch(envelope).resolution
    await world.clock.advance(6_000)
    const again = world.start({ expectFresh: true }).handler.dispatch(envelope)
    expect(await again.resolution).toEqual(first)
    expect(executed).toBe(1)
  })

  test('an expired key: the next generation, not the first again', async () => {
    const brief = testCommand((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id } }), {
      retentionMs: 10,
    })
    const world = createWorld({ commands: [brief] })
    await world.start().dispatch().resolution
    await world.clock.advance(1_000)
    const next = world.start({ expectFresh: true }).dispatch()
    await world.clock.runUntilIdle()
    expect(await next.resolution).toMatchObject({ kind: 'outcome', generation: 2 })
    auditGenerations(world.log.events())
  })

  test('a store that says at once what is empty: no look either, and what it says wrongly is found out', async () => {
    const world = createWorld({ commands: [make] })
    const process = world.start()
    Object.assign(process.store, { isSurelyEmpty: () => true })
    const first = process.dispatch()
    await world.clock.runUntilIdle()
    const again = process.dispatch()
    await world.clock.runUntilIdle()
    expect(await again.resolution).toEqual(await first.resolution)
    const wrong = process.dispatch({ body: 'b' })
    await world.clock.runUntilIdle()
    expect(await wrong.resolution).toEqual({ kind: 'reused' })
    expect(world.log.events()).toHaveLength(1)
  })
})
