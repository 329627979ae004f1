import { createWorld, testCommand, type World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { Command } from '../command/define-command.ts'
import { resolveFromStream } from './resolve.ts'

const setUp = (options: Parameters<typeof testCommand>[1] = {}): { world: World; command: Command } => {
  const command = testCommand(({ body }) => world.clock.sleep(100).then(() => ({ type: 'Made', data: { body } })), {
    retentionMs: 1_000,
    ...options,
  })
  const world: World = createWorld({ commands: [command] })
  return { world, command }
}

describe('the truth behind every lost reply', () => {
  test('is not there before the outcome is', async () => {
    const { world, command } = setUp()
    const process = world.start()
    const options = { store: process.store, command, clockSkewMs: 0 }
    expect(await resolveFromStream(process.envelope(), options)).toBeUndefined()
    await process.dispatch().durable()
    expect(await resolveFromStream(process.envelope(), options)).toBeUndefined()
  })

  test('is what the handler said, to this attempt and to every later one', async () => {
    const { world, command } = setUp()
    const process = world.start()
    const envelope = process.envelope()
    const { resolution } = process.handler.dispatch(envelope)
    await world.clock.runUntilIdle()
    const options = { store: process.store, command, clockSkewMs: 0 }
    for (const each of [envelope, process.envelope()]) {
      expect(await resolveFromStream(each, options)).toEqual(await resolution)
    }
    expect(await resolveFromStream(process.envelope({ body: 'b' }), options)).toEqual({ kind: 'reused' })
  })

  test('holds for an attempt that came in time, however late it is asked', async () => {
    const { world, command } = setUp()
    const process = world.start()
    const envelope = process.envelope()
    const { resolution } = process.handler.dispatch(envelope)
    await world.clock.runUntilIdle()
    await world.clock.advance(100_000)
    const options = { store: process.store, command, clockSkewMs: 0 }
    expect(await resolveFromStream(envelope, options)).toEqual(await resolution)
    // One that comes now begins the next generation.
    expect(await resolveFromStream(process.envelope(), options)).toBeUndefined()
    expect(
      await resolveFromStream(process.envelope(), { ...options, command: { ...command, expired: 'gone' } }),
    ).toEqual({
      kind: 'expired',
    })
  })

  test("where the command says concurrent: 'conflict': another attempt that is executed is in progress, its own is not", async () => {
    const { world, command } = setUp({ concurrent: 'conflict' })
    const process = world.start()
    const envelope = process.envelope()
    await process.handler.dispatch(envelope).durable()
    const options = { store: process.store, command, clockSkewMs: 0 }
    expect(await resolveFromStream(envelope, options)).toBeUndefined()
    const other = process.envelope()
    expect(await resolveFromStream(other, options)).toEqual({ kind: 'in-progress' })
    expect(await resolveFromStream(process.envelope({ body: 'b' }), options)).toEqual({ kind: 'reused' })
    // Longer than all its tries may take: whoever executed it is gone, perhaps.
    const { attempts, timeoutMs, maxDelayMs } = command.retry
    const receivedAtMs = other.receivedAtMs + attempts * (timeoutMs + maxDelayMs)
    expect(await resolveFromStream({ ...other, receivedAtMs }, options)).toBeUndefined()
  })

  test('is found behind the requests that have superseded it', async () => {
    const { world, command } = setUp({ identity: 'uri', supersedes: true })
    const process = world.start()
    const envelope = process.envelope()
    const options = { store: process.store, command, clockSkewMs: 0 }
    const [first, second] = [process.handler.dispatch(envelope), process.dispatch({ body: 'b' })]
    await world.clock.runUntilIdle()
    expect(await second.resolution).toMatchObject({ generation: 2 })
    expect(await resolveFromStream(envelope, options)).toEqual(await first.resolution)
    // The same body sent anew is another attempt: the next generation, which is not there yet.
    expect(await resolveFromStream(process.envelope(), options)).toBeUndefined()
  })
})
