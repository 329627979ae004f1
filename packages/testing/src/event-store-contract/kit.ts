import { randomUUID } from 'node:crypto'
import type { AppendResult, EventBatch, EventStore, NewEvent, RecordedEvent, SubscribeOptions } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import { expect } from 'vitest'

/** How long a condition may take to come true. Generous: it bounds a hang, it measures nothing. */
const waitMs = 30_000

/** A part of stream names that no other test uses. */
export const unique = (label: string): string => `${label}-${randomUUID()}`

/** An event with a random id, `data: {}` and `metadata: {}` unless told. */
export const newEvent = (fields: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUID(),
  type: 'Happened',
  data: {},
  metadata: {},
  ...fields,
})

/** `count` events whose data is `{ n: 0 }`, `{ n: 1 }` … */
export const newEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, n) => newEvent({ data: { n } }))

/** An event whose data and metadata are exactly `bytes` of UTF-8 together. */
export function eventOfBytes(bytes: number): NewEvent {
  const metadata = { v: 1 }
  const frame = utf8Bytes({ filler: '' }) + utf8Bytes(metadata)
  return newEvent({ data: { filler: 'x'.repeat(bytes - frame) }, metadata })
}

export const utf8Bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value), 'utf8')

export const idsOf = (events: readonly { readonly id: string }[]): string[] => events.map((event) => event.id)

/** The whole stream, forwards. */
export const readAll = (store: EventStore, stream: string): Promise<readonly RecordedEvent[]> =>
  store.read(stream, { direction: 'forwards', maxCount: 100_000 })

/** The result of an append that must have succeeded. */
export function appended(result: AppendResult): Extract<AppendResult, { kind: 'appended' }> {
  if (result.kind !== 'appended') throw new Error(`conflict: the stream is at ${String(result.actual)}`)
  return result
}

/** Asserts that `work` fails with an EventStoreError of this code. */
export async function expectCode(work: () => Promise<unknown>, code: EventStoreError['code']): Promise<void> {
  const fault = await work().then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(fault).toBeInstanceOf(EventStoreError)
  expect((fault as EventStoreError).code).toBe(code)
}

/** What `work` gives, or a failure that names what was waited for. */
export async function within<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`gave up after ${waitMs} ms waiting for: ${what}`))
    }, waitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

export interface Collected {
  readonly events: RecordedEvent[]
  readonly batches: EventBatch[]
}

export interface CollectOptions extends Omit<SubscribeOptions, 'signal'> {
  /** Looked at after each batch; the subscription is ended once it says true. */
  readonly until: (collected: Collected, batch: EventBatch) => boolean
  /** Called after each batch that did not end it, before the next one is asked for. */
  readonly onBatch?: (batch: EventBatch) => Promise<void> | void
}

/** Runs a subscription until the condition holds, bounded. Asserts what holds for every batch, and that it ends. */
export async function collect(store: EventStore, options: CollectOptions): Promise<Collected> {
  const { until, onBatch, ...filter } = options
  const stop = new AbortController()
  const collected: Collected = { events: [], batches: [] }
  const run = async (): Promise<void> => {
    let last = options.after
    for await (const batch of store.subscribe({ ...filter, signal: stop.signal })) {
      expectBatch(batch, { after: last, maxBatch: options.maxBatch ?? 500 })
      last = batch.position
      collected.batches.push(batch)
      collected.events.push(...batch.events)
      if (stop.signal.aborted) continue
      if (until(collected, batch)) stop.abort()
      else await onBatch?.(batch)
    }
  }
  try {
    await within(`a subscription to '${options.prefix}' (${collected.events.length} events so far)`, run())
  } finally {
    stop.abort()
  }
  return collected
}

/** Every batch: in bounds, in global order, after what came before it, and `position` not behind its events. */
function expectBatch(batch: EventBatch, bounds: { after: bigint | undefined; maxBatch: number }): void {
  expect(batch.events.length).toBeLessThanOrEqual(bounds.maxBatch)
  let last = bounds.after
  for (const event of batch.events) {
    if (last !== undefined) expect(event.position).toBeGreaterThan(last)
    last = event.position
  }
  if (last !== undefined) expect(batch.position).toBeGreaterThanOrEqual(last)
}
