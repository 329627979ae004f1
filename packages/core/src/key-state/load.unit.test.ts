import { createMemoryEventStore, type MemoryEventStore } from '@holdfast/testing/memory-event-store'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../json.ts'
import type { EventStore, NewEvent, ReadOptions } from '../ports/event-store.ts'
import { loadKeyState, loadOutcomeOf, readGeneration } from './load.ts'

const stream = 'command-x'
const envelope = { command: 'a', tenant: 'acme', key: 'k', requestId: 'r', receivedAtMs: 0, seed: 0, input: {} }
const outcome = {
  kind: 'succeeded',
  response: { status: 201, headers: {}, body: 'first' },
  completedAtMs: 0,
  expiresAtMs: 9,
  attempts: 1,
}
let ids = 0
const event = (type: string, parts: JsonObject = {}, generation = 1): NewEvent => ({
  id: `event-${++ids}`,
  type,
  data: {},
  metadata: { v: 1, generation, fingerprint: 'f'.repeat(64), attemptId: 'attempt', ...parts },
})
const failures = (count: number, generation = 1): NewEvent[] =>
  Array.from({ length: count }, (_, n) =>
    Object.assign(event('AttemptFailed', {}, generation), {
      data: { attempt: n + 1, error: 'x', next_attempt_at_ms: n },
    }),
  )

async function storeWith(...events: NewEvent[]): Promise<MemoryEventStore> {
  const store = createMemoryEventStore()
  if (events.length > 0) await store.append(stream, events, 'no_stream')
  return store
}

/** The store, with its reads counted. */
function counted(store: EventStore): { readonly store: EventStore; readonly reads: ReadOptions[] } {
  const reads: ReadOptions[] = []
  const read: EventStore['read'] = (name, options) => {
    reads.push(options)
    return store.read(name, options)
  }
  return { store: { ...store, read }, reads }
}

describe('loading a key', () => {
  test('that was never used is vacant', async () => {
    expect(await loadKeyState(await storeWith(), stream)).toEqual({ kind: 'vacant' })
  })

  test('that is resolved reads one event, however long its stream is', async () => {
    const { store, reads } = counted(
      await storeWith(event('CommandAccepted', { envelope }), ...failures(200), event('Done', { outcome })),
    )
    const state = await loadKeyState(store, stream)
    expect(state).toMatchObject({ kind: 'resolved', revision: 201n, outcome })
    expect(state).not.toHaveProperty('envelope')
    expect(reads).toEqual([{ direction: 'backwards', maxCount: 1 }])
  })

  test('asked for its envelope, it reads back to the first event of the generation', async () => {
    const store = await storeWith(event('CommandAccepted', { envelope }), ...failures(200), event('Done', { outcome }))
    const state = await loadKeyState(store, stream, { withEnvelope: true })
    expect(state).toMatchObject({ kind: 'resolved', revision: 201n, outcome, envelope })
  })

  test('of one event has its envelope at hand', async () => {
    const { store, reads } = counted(await storeWith(event('Done', { envelope, outcome })))
    expect(await loadKeyState(store, stream, { withEnvelope: true })).toMatchObject({ kind: 'resolved', envelope })
    expect(reads).toHaveLength(1)
  })

  test.each([0, 1, 62, 63, 64, 65, 127, 128, 129, 300])('that is open, with %d failed tries', async (count) => {
    const store = await storeWith(
      event('Done', { envelope: { ...envelope, requestId: 'older' }, outcome }),
      event('CommandAccepted', { envelope }, 2),
      ...failures(count, 2),
    )
    expect(await loadKeyState(store, stream)).toMatchObject({
      kind: 'accepted',
      generation: 2,
      revision: BigInt(count + 1),
      failedAttempts: count,
      envelope: { requestId: 'r' },
    })
  })

  test('with several domain events in its last append', async () => {
    const store = await storeWith(event('One', { envelope }), event('Two'), event('Three', { outcome }))
    expect(await loadKeyState(store, stream)).toMatchObject({ kind: 'resolved', revision: 2n })
    expect(await loadKeyState(store, stream, { withEnvelope: true })).toMatchObject({ kind: 'resolved', envelope })
  })

  test('an event that is not ours is corrupt', async () => {
    const store = await storeWith({ id: 'x', type: 'Alien', data: {}, metadata: {} })
    await expect(loadKeyState(store, stream)).rejects.toMatchObject({ name: 'EventStoreError', code: 'corrupt' })
  })

  test('a generation whose first event is gone is corrupt, not vacant: it must not execute again', async () => {
    const store = await storeWith(...failures(3))
    await expect(loadKeyState(store, stream)).rejects.toMatchObject({ code: 'corrupt' })
  })
})

describe('reading a generation', () => {
  test('gives its events only, oldest first', async () => {
    const events = [event('CommandAccepted', { envelope }, 2), ...failures(130, 2), event('Done', { outcome }, 2)]
    const store = await storeWith(event('Done', { envelope, outcome }), ...events)
    const [last] = await store.read(stream, { direction: 'backwards', maxCount: 1 })
    const read = await readGeneration(store, last ?? expect.fail('there is a last event'))
    expect(read.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  })
})

describe("an attempt's own outcome", () => {
  /** One generation per attempt, one millisecond each. */
  async function storeOf(attempts: number): Promise<MemoryEventStore> {
    let nowMs = 0
    const store = createMemoryEventStore({ nowMs: () => nowMs })
    for (let n = 0; n < attempts; n++) {
      nowMs = n
      const parts = { attemptId: `attempt-${n}`, outcome }
      const accepted = event('CommandAccepted', { attemptId: `attempt-${n}`, envelope }, n + 1)
      await store.append(stream, [accepted, event('Done', parts, n + 1)], n === 0 ? 'no_stream' : BigInt(2 * n - 1))
    }
    return store
  }

  test.each([0, 1, 31, 32, 33, 99])(
    'is found however many generations stand behind it: attempt %d of 100',
    async (n) => {
      const found = await loadOutcomeOf(await storeOf(100), stream, { attemptId: `attempt-${n}`, sinceMs: n })
      expect(found).toMatchObject({ kind: 'resolved', generation: n + 1, attemptId: `attempt-${n}` })
    },
  )

  test('is not there for an attempt that has none', async () => {
    const store = await storeOf(100)
    expect(await loadOutcomeOf(store, stream, { attemptId: 'attempt-100', sinceMs: 0 })).toBeUndefined()
    expect(await loadOutcomeOf(createMemoryEventStore(), stream, { attemptId: 'a', sinceMs: 0 })).toBeUndefined()
    await store.append(stream, [event('CommandAccepted', { attemptId: 'open', envelope }, 101)], 199n)
    expect(await loadOutcomeOf(store, stream, { attemptId: 'open', sinceMs: 0 })).toBeUndefined()
  })

  test('is looked for as far back as the attempt is old', async () => {
    const { store, reads } = counted(await storeOf(1_000))
    expect(await loadOutcomeOf(store, stream, { attemptId: 'attempt-1000', sinceMs: 990 })).toBeUndefined()
    expect(reads).toHaveLength(1)
  })
})
