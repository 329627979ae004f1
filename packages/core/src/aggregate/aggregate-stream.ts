import { appendSurely } from '../handler/append-surely.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { Clock, Ids } from '../ports/clock.ts'
import { EventStoreError, type EventStore, type NewEvent, type RecordedEvent } from '../ports/event-store.ts'
import { isRejection, type Aggregate, type ExecuteResult } from './define-aggregate.ts'
import { loadSnapshot, saveSnapshot } from './snapshot.ts'

export interface AggregateDeps {
  readonly store: EventStore
  readonly clock: Clock
  readonly ids: Ids
}

interface Request {
  readonly command: JsonValue
  readonly stepKey: string
  readonly settled: PromiseWithResolvers<ExecuteResult>
}

/** Requests that are decided together, and appended as one write. */
const maxBatch = 256
const maxConflicts = 100
const pageSize = 500

/**
 * One aggregate in this process: its state, kept as of its last known event, and a queue. All that wait are decided one
 * after the other on that state and appended in one write, so that a hot aggregate costs one commit for many orders, and
 * conflicts come from other processes only.
 */
export class AggregateStream {
  readonly #deps: AggregateDeps
  readonly #aggregate: Aggregate
  readonly #stream: string
  #state: JsonValue
  /** Revision of the last event folded; -1n for none. */
  #revision = -1n
  #loaded: Promise<void> | undefined
  #snapshotRevision = -1n
  #queue: Request[] = []
  #pumping = false

  constructor(deps: AggregateDeps, aggregate: Aggregate, stream: string) {
    this.#deps = deps
    this.#aggregate = aggregate
    this.#stream = stream
    this.#state = aggregate.initial
  }

  get idle(): boolean {
    return !this.#pumping && this.#queue.length === 0
  }

  /** The last revision that this process knows of, -1 for none: what is appended from now on stands after it. */
  async knownRevision(): Promise<number> {
    await this.#load()
    return Number(this.#revision)
  }

  /** Acts on the aggregate; `stepKey` marks the events, and is what recovery looks for. */
  execute(command: JsonValue, stepKey: string): Promise<ExecuteResult> {
    const settled = Promise.withResolvers<ExecuteResult>()
    this.#queue.push({ command, stepKey, settled })
    if (!this.#pumping) void this.#pump()
    return settled.promise
  }

  /** The events of a step that was interrupted, looked for after a revision; undefined when they were never appended. */
  async find(stepKey: string, after: number): Promise<readonly DomainEvent[] | undefined> {
    let from = BigInt(after) + 1n
    for (;;) {
      const page = await this.#deps.store.read(this.#stream, { direction: 'forwards', from, maxCount: pageSize })
      const found = page.filter((event) => stepKeyOf(event) === stepKey)
      if (found.length > 0) return found.map(({ type, data }) => ({ type, data }))
      if (page.length < pageSize) return undefined
      from += BigInt(page.length)
    }
  }

  async #pump(): Promise<void> {
    this.#pumping = true
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, maxBatch)
      try {
        await this.#decideAll(batch)
      } catch (error) {
        // What this process knows may be wrong now: it reads again.
        this.#loaded = undefined
        for (const { settled } of batch) settled.reject(error)
      }
    }
    this.#pumping = false
  }

  async #decideAll(batch: readonly Request[]): Promise<void> {
    await this.#load()
    let open = batch
    for (let round = 0; open.length > 0; round++) {
      if (round > maxConflicts)
        throw new EventStoreError('unavailable', `other processes kept writing to ${this.#stream}`)
      const { results, appended, state } = this.#decideOn(open)
      if (appended.length === 0) {
        settleAll(results)
        return
      }
      const expectedRevision = this.#revision < 0n ? 'no_stream' : this.#revision
      const result = await appendSurely(this.#deps, { stream: this.#stream, events: appended, expectedRevision })
      if (result.kind === 'appended') {
        this.#state = state
        this.#revision = result.revision
        settleAll(results)
        this.#snapshot()
        return
      }
      open = await this.#catchUp(open)
    }
  }

  /** Decides one after the other, each on the state that the ones before it leave. */
  #decideOn(batch: readonly Request[]): {
    readonly results: ReadonlyMap<Request, ExecuteResult>
    readonly appended: readonly NewEvent[]
    readonly state: JsonValue
  } {
    let state = this.#state
    const results = new Map<Request, ExecuteResult>()
    const appended: NewEvent[] = []
    for (const request of batch) {
      try {
        const decision = this.#aggregate.decide(request.command, state)
        if (isRejection(decision)) {
          results.set(request, { kind: 'rejected', reason: decision.reason })
          continue
        }
        const events: readonly DomainEvent[] = isList(decision) ? decision : [decision]
        state = events.reduce((before, event) => this.#aggregate.evolve(before, event), state)
        appended.push(...events.map((event) => this.#event(event, request.stepKey)))
        results.set(request, { kind: 'done', events })
      } catch (error) {
        request.settled.reject(error)
      }
    }
    return { results, appended, state }
  }

  #event({ type, data }: DomainEvent, stepKey: string): NewEvent {
    return { id: this.#deps.ids.uuid(), type, data, metadata: { v: 1, step_key: stepKey } }
  }

  /** Folds what others have written; requests whose events are among it are done. */
  async #catchUp(open: readonly Request[]): Promise<readonly Request[]> {
    const done = new Map<string, DomainEvent[]>()
    for await (const event of this.#newEvents()) {
      const key = stepKeyOf(event)
      if (key !== undefined) done.set(key, [...(done.get(key) ?? []), { type: event.type, data: event.data }])
    }
    return open.filter(({ stepKey, settled }) => {
      const events = done.get(stepKey)
      if (events !== undefined) settled.resolve({ kind: 'done', events })
      return events === undefined
    })
  }

  /** Reads on from the last known event, and folds. */
  async *#newEvents(): AsyncGenerator<RecordedEvent> {
    for (;;) {
      const page = await this.#deps.store.read(this.#stream, {
        direction: 'forwards',
        from: this.#revision + 1n,
        maxCount: pageSize,
      })
      for (const event of page) {
        this.#state = this.#aggregate.evolve(this.#state, event)
        this.#revision = event.revision
        yield event
      }
      if (page.length < pageSize) return
    }
  }

  #load(): Promise<void> {
    this.#loaded ??= this.#loadNow().catch((error: unknown) => {
      this.#loaded = undefined
      throw error
    })
    return this.#loaded
  }

  async #loadNow(): Promise<void> {
    const snapshot = await loadSnapshot(this.#deps.store, this.#stream, this.#aggregate.snapshotVersion)
    this.#state = snapshot?.state ?? this.#aggregate.initial
    this.#revision = snapshot?.revision ?? -1n
    this.#snapshotRevision = this.#revision
    const events = this.#newEvents()
    while ((await events.next()).done !== true);
  }

  /** A snapshot only saves reading: that one cannot be written loses nothing, and the next one is tried later. */
  #snapshot(): void {
    if (this.#revision - this.#snapshotRevision < BigInt(this.#aggregate.snapshotEvery)) return
    this.#snapshotRevision = this.#revision
    const snapshot = { state: this.#state, revision: this.#revision, version: this.#aggregate.snapshotVersion }
    saveSnapshot(this.#deps, this.#stream, snapshot).catch(() => undefined)
  }
}

const isList = (decision: object): decision is readonly DomainEvent[] => Array.isArray(decision)

function settleAll(results: ReadonlyMap<Request, ExecuteResult>): void {
  for (const [{ settled }, result] of results) settled.resolve(result)
}

const stepKeyOf = (event: RecordedEvent): string | undefined =>
  (event.metadata as JsonObject & { step_key?: string }).step_key
