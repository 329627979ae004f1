import { randomUUID } from 'node:crypto'
import type { ResultEvent } from '@holdfast/contracts'
import {
  commandIdOf,
  streamOf,
  type EventStore,
  type ExpectedRevision,
  type IdempotencyKey,
  type JsonObject,
  type KeyEventMetadata,
  type NewEvent,
  type OutcomeKind,
  type PlacedResult,
  type ResultBatch,
  type ResultFeed,
  type ResultSubscription,
  type StreamName,
  type Tenant,
} from '@holdfast/core'

/** How long a condition may take to come true. Generous: it bounds a hang, it measures nothing. */
const waitMs = 60_000

/** A command whose history a test writes itself, event by event. */
export interface RecordedCommand {
  readonly stream: StreamName
  readonly tenant: Tenant
  readonly key: IdempotencyKey
  /** Begins a generation without ending it. */
  accept(): Promise<void>
  /** Ends the generation that was begun, or one of its own, in one append of `events` events. Answers the result's id. */
  conclude(kind?: OutcomeKind, events?: number): Promise<string>
  /** Behind an outcome. Answers the result's id. */
  release(): Promise<string>
}

export interface CommandSpec {
  readonly tenant?: string
  readonly command?: string
}

export function recordCommand(
  store: EventStore,
  { tenant: owner = 'acme', command = 'order.place' }: CommandSpec = {},
): RecordedCommand {
  const tenant = owner as Tenant
  const key = randomUUID() as IdempotencyKey
  const commandId = commandIdOf(tenant, key)
  const stream = streamOf(commandId)
  let revision: ExpectedRevision = 'no_stream'
  let generation = 0
  let begun = false
  const append = async (metadata: readonly Partial<KeyEventMetadata>[], type: string): Promise<void> => {
    const events = metadata.map((own): NewEvent => {
      const common = { v: 1, generation, fingerprint: 'f'.repeat(64), attemptId: randomUUID() }
      return { id: randomUUID(), type, data: {}, metadata: { ...common, ...own } as unknown as JsonObject }
    })
    const result = await store.append(stream, events, revision)
    if (result.kind === 'conflict') throw new Error(`${stream} is at ${result.actual}`)
    revision = result.revision
  }
  const begin = (): Partial<KeyEventMetadata> => {
    generation += 1
    return { envelope: { command, tenant, key, requestId: randomUUID(), receivedAtMs: 1_000, seed: 1, input: {} } }
  }
  return {
    stream,
    tenant,
    key,
    async accept() {
      begun = true
      await append([begin()], 'CommandAccepted')
    },
    async conclude(kind = 'succeeded', events = 1) {
      const first = begun ? {} : begin()
      begun = false
      const response = { status: 200, headers: {}, body: JSON.stringify({ key, generation }) }
      const outcome = { kind, response, completedAtMs: 2_000, expiresAtMs: 3_000, attempts: 1 }
      const metadata = Array.from({ length: events }, (_, at) => ({
        ...(at === 0 && first),
        ...(at === events - 1 && { outcome }),
      }))
      await append(metadata, 'Happened')
      return `${commandId}-${generation}`
    },
    async release() {
      await append([{ release: { reason: 'r', by: 'olga', releasedAtMs: 4_000 } }], 'KeyReleased')
      return `${commandId}-${generation}-released`
    },
  }
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

export interface CollectOptions extends Omit<ResultSubscription, 'signal'> {
  /** Ends once so many different results have come. */
  readonly count?: number
  /** Ends once this says so; looked at after each batch. */
  readonly until?: (batch: ResultBatch, results: readonly PlacedResult[]) => boolean
  /** Called after each batch that did not end it. */
  readonly onBatch?: (batch: ResultBatch) => Promise<void> | void
}

/** Reads until it has what is asked for. A result that comes again, which it may, counts once: where it came first. */
export async function collect(feed: ResultFeed, options: CollectOptions): Promise<readonly PlacedResult[]> {
  const { count, until, onBatch, ...subscription } = options
  const stop = new AbortController()
  const results = new Map<string, PlacedResult>()
  const enough = (batch: ResultBatch): boolean =>
    (count !== undefined && results.size >= count) || until?.(batch, [...results.values()]) === true
  const read = async (): Promise<void> => {
    for await (const batch of feed.subscribe({ ...subscription, signal: stop.signal })) {
      for (const result of batch.results) if (!results.has(result.event.id)) results.set(result.event.id, result)
      if (stop.signal.aborted) continue
      if (enough(batch)) stop.abort()
      else await onBatch?.(batch)
    }
  }
  try {
    await within(`results (${results.size} of ${count ?? 'some'} so far)`, read())
  } finally {
    stop.abort()
  }
  return [...results.values()]
}

export const idsOf = (results: readonly PlacedResult[]): string[] => results.map(({ event }) => event.id)

/** Ids by subject, in the order in which they came: what has to be the same however a feed mixes keys. */
export function bySubject(events: readonly ResultEvent[]): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(events, ({ subject }) => subject)
  return new Map([...groups].map(([subject, group]) => [subject, group.map(({ id }) => id)]))
}
