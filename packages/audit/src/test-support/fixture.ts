import { releaseKey, systemClock, systemIds, type IdempotencyKey, type JsonObject } from '@holdfast/core'
import { openSqliteHistory } from '@holdfast/event-store-sqlite'
import type { History, StoredEvent } from '../history.ts'
import { sampleTenant } from './sample-app.ts'
import { createSampleStore } from './sample-store.ts'

/** A history in memory that a test may change before it is verified. */
export class Fixture {
  #events: readonly StoredEvent[]

  constructor(events: readonly StoredEvent[]) {
    this.#events = events
  }

  get events(): readonly StoredEvent[] {
    return this.#events
  }

  /** The first event that fits. */
  find(type: string, nth = 0): StoredEvent {
    const event = this.#events.filter((one) => one.type === type)[nth]
    if (event === undefined) throw new Error(`the fixture has no ${type}`)
    return event
  }

  change(event: StoredEvent, to: Partial<StoredEvent>): this {
    this.#events = this.#events.map((one) => (one === event ? { ...one, ...to } : one))
    return this
  }

  dataOf(event: StoredEvent): Record<string, unknown> {
    return JSON.parse(Buffer.from(event.data).toString()) as Record<string, unknown>
  }

  metadataOf(event: StoredEvent): Metadata {
    return JSON.parse(Buffer.from(event.metadata).toString()) as Metadata
  }

  changeMetadata(event: StoredEvent, change: (metadata: Metadata) => void): this {
    const metadata = this.metadataOf(event)
    change(metadata)
    return this.change(event, { metadata: Buffer.from(JSON.stringify(metadata)) })
  }

  changeData(event: StoredEvent, data: JsonObject): this {
    return this.change(event, { data: Buffer.from(JSON.stringify(data)) })
  }

  drop(event: StoredEvent): this {
    this.#events = this.#events.filter((one) => one !== event)
    return this
  }

  /** Appends a copy at the end of everything, with another revision. */
  append(event: StoredEvent, to: Partial<StoredEvent>): this {
    const position = (this.#events.at(-1)?.position ?? 0n) + 1n
    this.#events = [...this.#events, { ...event, position, ...to }]
    return this
  }

  history(): History {
    const events = [...this.#events].sort((a, b) => Number(a.position - b.position))
    return {
      gapless: true,
      // In pages of one, so that nothing rests on what stands in the same page.
      events: async function* (after = 0n) {
        for (const event of events) if (event.position > after) yield [event]
      },
      eventsOfType: async function* (type) {
        for (const event of events) if (event.type === type) yield [event]
      },
      streamEvents: async (stream, range) =>
        events
          .filter((event) => event.stream === stream)
          .filter(({ revision }) => range === undefined || (revision >= range.from && revision <= range.to))
          .sort((a, b) => Number(a.revision - b.revision)),
    }
  }
}

interface Metadata {
  [name: string]: unknown
  generation: number
  fingerprint?: string
  attemptId?: string
  envelope?: Record<string, unknown>
  outcome?: { kind: string; response: { status: number; body: string; headers: Record<string, string> } } & Record<
    string,
    unknown
  >
}

let made: Promise<readonly StoredEvent[]> | undefined

/** A history of everything that the sample application does: it is sound. */
export async function soundHistory(): Promise<Fixture> {
  made ??= makeHistory()
  return new Fixture(await made)
}

async function makeHistory(): Promise<readonly StoredEvent[]> {
  await using sample = await createSampleStore()
  const { store, send, removeNotes } = sample
  await send('transfer.make', 'one', { amount: 1 })
  await send('note.write', 'note', { text: 'first' })
  await send('note.write', 'other note', { text: 'other' })
  await send('transfer.make', 'too-much', { amount: 5_000 })
  await send('transfer.make', 'fails', { amount: 666 })
  await removeNotes()
  await send('account.open', 'account', { owner: 'Ada' })
  await send('transfer.make', 'again', { amount: 2 })
  // Kept for no time at all: the next request is the next generation.
  await systemClock.sleep(5)
  await send('transfer.make', 'again', { amount: 3 })
  // Removed, used again, and removed again.
  await send('note.write', 'note', { text: 'second' })
  await removeNotes()
  await send('note.write', 'other note', { text: 'used again' })
  const release = { tenant: sampleTenant, key: 'account' as IdempotencyKey, reason: 'a test', by: 'tester' }
  await releaseKey({ store, clock: systemClock, ids: systemIds }, release)
  await send('account.open', 'account', { owner: 'Eve' })
  const aggregate = { id: systemIds.uuid(), type: 'StockReceived', data: { quantity: 1 }, metadata: { v: 1 } }
  await store.append('inventory-abc', [aggregate, { ...aggregate, id: systemIds.uuid() }], 'no_stream')
  const events: StoredEvent[] = []
  await using history = openSqliteHistory({ dataDir: sample.dataDir })
  for await (const page of history.events()) events.push(...page)
  return events
}
