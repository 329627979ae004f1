import { createWorld, testCommand } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { DomainEvent } from '../command/define-command.ts'
import type { OutcomeRecord } from '../key-state/events.ts'
import type { ExpectedRevision } from '../ports/event-store.ts'
import { GenerationLost, KeyWriter } from './key-writer.ts'

const made = { type: 'Made', data: {} }
const step = (name: string): DomainEvent => ({ type: 'StepCompleted', data: { step: name, index: 0 } })
const outcome: OutcomeRecord = {
  kind: 'succeeded',
  response: { status: 201, headers: {}, body: '{}' },
  completedAtMs: 1,
  expiresAtMs: 2,
  attempts: 1,
}
const setUp = (expectedRevision: ExpectedRevision = 'no_stream', accepted = false, maxEventBytes?: number) => {
  const world = createWorld({
    commands: [testCommand(() => made)],
    ...(maxEventBytes !== undefined && { maxEventBytes }),
  })
  const process = world.start()
  const { store } = process
  const stream = process.streamOf()
  const plan = { stream, envelope: process.envelope(), generation: 1, expectedRevision, accepted }
  const writer = new KeyWriter({ store, clock: world.clock, ids: world.ids }, plan)
  const names = () => world.log.events(stream).map(({ type, data }) => (data['step'] as string | undefined) ?? type)
  return { world, store, stream, writer, names }
}
/** What each came to, in a word. */
const allOf = async (work: readonly Promise<void>[]): Promise<string[]> => {
  const word = (error: unknown): string => (error as { code?: string }).code ?? (error as Error).name
  return Promise.all(work.map((each) => each.then(() => 'done', word)))
}

describe('the writer of a generation', () => {
  test('begins it with the first write, whichever that is; the envelope stands there only', async () => {
    const { world, stream, writer, names } = setUp()
    expect(writer.accepted).toBe(false)
    await writer.record([step('one')])
    expect(writer.accepted).toBe(true)
    await writer.accept()
    await writer.conclude([step('two'), made], outcome)
    expect(names()).toEqual(['CommandAccepted', 'one', 'two', 'Made'])
    const metadata = world.log.events(stream).map((event) => Object.keys(event.metadata))
    expect(metadata.map((names) => names.includes('envelope'))).toEqual([true, false, false, false])
    expect(metadata.map((names) => names.includes('outcome'))).toEqual([false, false, false, true])
  })

  test('a generation of one write carries both on it', async () => {
    const { world, stream, writer } = setUp()
    await writer.conclude([made], outcome)
    expect(world.log.events(stream)).toMatchObject([{ metadata: { envelope: { command: 'thing.make' }, outcome } }])
  })

  test('writes that are asked for at one time follow one another in that order, each at the next revision', async () => {
    const { store, writer, names } = setUp()
    const release = store.faults.holdAppends()
    const all = [
      ...[writer.accept(), writer.record([step('one')]), writer.accept(), writer.record([step('two')])],
      writer.conclude([made], outcome),
    ]
    release()
    expect(await allOf(all)).toEqual(['done', 'done', 'done', 'done', 'done'])
    expect(names()).toEqual(['CommandAccepted', 'one', 'two', 'Made'])
  })

  test('a conflict ends it: this and every further write', async () => {
    const { store, stream, writer, names } = setUp()
    await store.append(stream, [{ id: 'rival', type: 'Rival', data: {}, metadata: {} }], 'no_stream')
    const all = [writer.record([step('one')]), writer.record([step('two')]), writer.conclude([made], outcome)]
    expect(await allOf(all)).toEqual(['GenerationLost', 'GenerationLost', 'GenerationLost'])
    await expect(writer.accept()).rejects.toMatchObject({ actual: 0n })
    await expect(writer.accept()).rejects.toBeInstanceOf(GenerationLost)
    expect(names()).toEqual(['Rival'])
  })

  test('a record that fails takes those that wait behind it along, and no others', async () => {
    const { store, writer, names } = setUp()
    await writer.accept()
    store.faults.failNextAppend('unavailable')
    const all = [writer.record([step('one')]), writer.record([step('two')]), writer.conclude([made], outcome)]
    expect(await allOf(all)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    await writer.record([step('three')])
    expect(names()).toEqual(['CommandAccepted', 'three'])
  })

  test('an acceptance that fails takes nobody along', async () => {
    const { store, writer, names } = setUp()
    store.faults.failNextAppend('unavailable')
    const all = [writer.accept(), writer.accept(), writer.conclude([made], outcome)]
    expect(await allOf(all)).toEqual(['unavailable', 'done', 'done'])
    expect(names()).toEqual(['CommandAccepted', 'Made'])
  })

  test('an outcome that could not be written: the generation does not begin either', async () => {
    const { store, writer, names } = setUp()
    store.faults.failNextAppend('unavailable')
    expect(await allOf([writer.conclude([made], outcome), writer.accept()])).toEqual(['unavailable', 'unavailable'])
    expect(names()).toEqual([])
  })

  test('an outcome that is too large: another one may follow, if the generation has begun', async () => {
    const large = { type: 'Made', data: { text: 'x'.repeat(3_000) } }
    const begun = setUp('no_stream', false, 2_000)
    await begun.writer.accept()
    expect(await allOf([begun.writer.conclude([large], outcome)])).toEqual(['event-too-large'])
    await begun.writer.conclude([made], outcome)
    expect(begun.names()).toEqual(['CommandAccepted', 'Made'])
    const not = setUp('no_stream', false, 2_000)
    expect(await allOf([not.writer.conclude([large], outcome)])).toEqual(['event-too-large'])
    expect(await allOf([not.writer.conclude([made], outcome), not.writer.accept()])).toEqual([
      ...['event-too-large', 'event-too-large'],
    ])
    expect(not.names()).toEqual([])
  })

  test('goes on where the plan says', async () => {
    const { store, stream, writer, names } = setUp(0n, true)
    await store.append(stream, [{ id: 'first', type: 'CommandAccepted', data: {}, metadata: {} }], 'no_stream')
    expect(writer.accepted).toBe(true)
    await writer.record([step('one')])
    expect(names()).toEqual(['CommandAccepted', 'one'])
  })

  test('knows what fits, on the safe side', async () => {
    const { writer } = setUp('no_stream', false, 2_000)
    await writer.accept()
    for (let size = 1_300; size < 2_000; size += 10) {
      // Two bytes each.
      const data = { step: 'one', index: 0, result: 'ü'.repeat(size / 2) }
      if (writer.fits(data)) await writer.record([{ type: 'StepCompleted', data }])
      else expect(size).toBeGreaterThan(1_400)
    }
    expect(writer.fits({ text: 'x'.repeat(2_000) })).toBe(false)
  })
})
