import type { CommandTransport, Dispatch, Resolution } from '@holdfast/core'
import { createWorld, testCommand } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { visibleWhenDurable } from './visible-when-durable.ts'

/** A gateway whose commands stand in a log, and a handler that takes none of them by itself. */
function setUp() {
  const command = testCommand(({ body }) => world.clock.sleep(1_000).then(() => ({ type: 'Made', data: { body } })))
  const world = createWorld({ commands: [command] })
  const { handler, store, envelope } = world.start()
  const replied = Promise.withResolvers<Resolution>()
  const log: CommandTransport = {
    dispatch: () => ({ durable: () => Promise.resolve(), resolution: replied.promise, attempts: () => 1 }),
    ready: () => true,
    close: () => Promise.resolve(),
  }
  const { app, clock, clockSkewMs } = world
  const transport = visibleWhenDurable(log, { app, store, clock, clockSkewMs })
  return { clock, handler, store, envelope, replied, transport }
}

/** Whether the dispatch says now that it is durable. */
function watch(dispatch: Dispatch): () => boolean {
  let durable = false
  void dispatch.durable().then(() => (durable = true))
  return () => durable
}

describe('before anybody is told 202', () => {
  test('the command is recorded as accepted: every gateway sees it', async () => {
    const { clock, handler, envelope, transport } = setUp()
    const sent = envelope()
    const isDurable = watch(transport.dispatch(sent))
    await clock.advance(300)
    expect(isDurable()).toBe(false)
    await handler.dispatch(sent).durable()
    await clock.advance(200)
    expect(isDurable()).toBe(true)
  })

  test('or handlers are away: it is waited for a moment only, once for all callers', async () => {
    const { clock, envelope, transport } = setUp()
    const dispatch = transport.dispatch(envelope())
    const isDurable = watch(dispatch)
    await clock.advance(1_900)
    expect(isDurable()).toBe(false)
    await clock.advance(300)
    expect(isDurable()).toBe(true)
    const isDurableNow = watch(dispatch)
    await clock.settle()
    expect(isDurableNow()).toBe(true)
  })

  test('or its reply comes', async () => {
    const { clock, envelope, replied, transport } = setUp()
    const dispatch = transport.dispatch(envelope())
    const isDurable = watch(dispatch)
    replied.resolve({ kind: 'reused' })
    await clock.settle()
    expect(isDurable()).toBe(true)
    expect(await dispatch.resolution).toEqual({ kind: 'reused' })
    expect(clock.pending).toBe(0)
  })

  test('a retry never learns less: the outcome that another attempt has brought is the resolution, without a reply', async () => {
    const { clock, handler, envelope, transport } = setUp()
    const other = handler.dispatch(envelope()).resolution
    const dispatch = transport.dispatch(envelope())
    await clock.runUntilIdle()
    await dispatch.durable()
    expect(await dispatch.resolution).toEqual(await other)
  })

  test('a stream that cannot be read: nobody is told 202', async () => {
    const { store, envelope, transport } = setUp()
    store.faults.down = true
    await expect(transport.dispatch(envelope()).durable()).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('nor when the command is not durable', async () => {
    const { envelope } = setUp()
    const refused = Promise.reject<never>(new Error('no broker'))
    refused.catch(() => undefined)
    const world = createWorld({ commands: [] })
    const log: CommandTransport = {
      dispatch: () => ({ durable: () => refused, resolution: refused, attempts: () => 1 }),
      ready: () => false,
      close: () => Promise.resolve(),
    }
    const { store } = world.start()
    const transport = visibleWhenDurable(log, { app: world.app, store, clock: world.clock, clockSkewMs: 0 })
    const dispatch = transport.dispatch(envelope())
    await expect(dispatch.durable()).rejects.toThrow('no broker')
    await expect(dispatch.resolution).rejects.toThrow('no broker')
    expect(transport.ready()).toBe(false)
  })
})
