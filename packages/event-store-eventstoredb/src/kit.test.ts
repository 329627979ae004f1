/** What the tests of this package share. Not a test itself: the name keeps it out of what is published. */
import { randomUUID } from 'node:crypto'
import type { AppendResult, EventBatch, EventStore, NewEvent, RecordedEvent } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { StandInControl, StandInOptions, TemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import { startTemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import type { EventStoreDbEventStore } from './create-event-store.ts'
import { createEventStoreDbEventStore } from './create-event-store.ts'
import type { AdapterLogger, EventStoreDbOptions } from './options.ts'

/** An adapter on a stand-in of its own, with short limits. */
export interface Bench extends AsyncDisposable {
  readonly standIn: TemporaryStandIn
  readonly control: StandInControl
  readonly store: EventStoreDbEventStore
  /** What the adapter has warned of. */
  readonly warnings: string[]
  /** What it has noted at the level debug. */
  readonly notes: string[]
  /** Another adapter on the same stand-in. */
  another(options?: Partial<EventStoreDbOptions>): EventStoreDbEventStore
}

export interface BenchOptions {
  readonly server?: Partial<StandInOptions>
  readonly adapter?: Partial<EventStoreDbOptions>
}

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const standIn = await startTemporaryStandIn(options.server)
  const warnings: string[] = []
  const notes: string[] = []
  const logger: AdapterLogger = {
    debug: (_fields, message) => notes.push(message),
    warn: (_fields, message) => warnings.push(message),
  }
  const opened: EventStoreDbEventStore[] = []
  const another = (more: Partial<EventStoreDbOptions> = {}): EventStoreDbEventStore => {
    const store = createEventStoreDbEventStore({
      connectionString: standIn.current.url,
      appendTimeoutMs: 300,
      resolveTimeoutMs: 5_000,
      readTimeoutMs: 2_000,
      maxBackOffMs: 200,
      logger,
      ...options.adapter,
      ...more,
    })
    opened.push(store)
    return store
  }
  const store = another()
  return {
    standIn,
    store,
    warnings,
    notes,
    another,
    get control() {
      return standIn.current.control
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((each) => each.close()))
      await standIn[Symbol.asyncDispose]()
    },
  }
}

export const unique = (label: string): string => `${label}-${randomUUID()}`

export const newEvent = (fields: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUID(),
  type: 'Happened',
  data: {},
  metadata: {},
  ...fields,
})

export const newEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, n) => newEvent({ data: { n } }))

export const readAll = (store: EventStore, stream: string): Promise<readonly RecordedEvent[]> =>
  store.read(stream, { direction: 'forwards', maxCount: 10_000 })

export const idsOf = (events: readonly { readonly id: string }[]): string[] => events.map(({ id }) => id)

/** The code of the EventStoreError that `work` fails with; the result where it does not. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    return error instanceof EventStoreError ? error.code : error
  }
}

export const isAppended = (result: AppendResult): boolean => result.kind === 'appended'

/** Polls a condition, bounded. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`gave up waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export interface Following extends AsyncDisposable {
  readonly batches: EventBatch[]
  readonly events: RecordedEvent[]
  /** What the subscription has failed with. */
  failure(): unknown
}

/** Reads a subscription, and checks that no position is ahead of what has been given. */
export function follow(
  store: EventStore,
  given: {
    readonly prefix: string
    readonly after?: bigint
    readonly maxBatch?: number
    /** Called after each batch, before the next is asked for. */
    readonly onBatch?: (batch: EventBatch) => Promise<unknown>
  },
): Following {
  const { onBatch, ...options } = given
  const stop = new AbortController()
  const batches: EventBatch[] = []
  const events: RecordedEvent[] = []
  let failure: unknown
  const run = (async () => {
    let last = options.after ?? -1n
    for await (const batch of store.subscribe({ ...options, signal: stop.signal })) {
      // A position that is ahead of an event still to come would lose that event to whoever resumes from it.
      for (const { position } of batch.events) if (position <= last) throw new Error('an event after its position')
      if (batch.position > last) last = batch.position
      batches.push(batch)
      events.push(...batch.events)
      await onBatch?.(batch)
    }
  })().catch((error: unknown) => {
    failure = error
  })
  return {
    batches,
    events,
    failure: () => failure,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await run
    },
  }
}
