import { appendSurely } from '../handler/append-surely.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { Clock, Ids } from '../ports/clock.ts'
import { EventStoreError, type EventStore, type NewEvent, type RecordedEvent } from '../ports/event-store.ts'
import { upcastEvent, type Upcasts } from '../projection/upcast.ts'
import { isRejection, type Aggregate, type ExecuteResult } from './define-aggregate.ts'
import { loadSnapshot, saveSnapshot } from './snapshot.ts'

export interface AggregateDeps {
  readonly store: EventStore
  readonly clock: Clock
  readonly ids: Ids
  /** The application's; an aggregate's own go before. Default: none. */
  readonly upcast?: Upcasts
}

export interface AggregateRequest {
  readonly command: JsonValue
  /** Whose command it is: its events say so. */
  readonly tenant: string
  /** Marks the events: they are appended once for it, whoever asks and how often. */
  readonly stepKey: string
  /** Revision of the aggregate before the step was begun; -1 for none. Its events stand after it, or not at all. */
  readonly after: number
  /**
   * - `first`: nobody else is at this step
   * - `again`: somebody may be, an earlier try or a worker that has been given up; so a decision without events is written
   *   down as well, and stays the decision
   * - `close`: as `again`, but nothing is decided: what does not stand there by now never will
   */
  readonly turn: 'first' | 'again' | 'close'
}

interface Pending extends AggregateRequest {
  readonly settled: PromiseWithResolvers<ExecuteResult>
}

/** What a batch comes to on the state that is known. */
interface Decisions {
  readonly results: ReadonlyMap<Pending, ExecuteResult>
  readonly failures: ReadonlyMap<Pending, unknown>
  readonly appended: readonly NewEvent[]
  readonly state: JsonValue
}

/** Requests that are decided together, and appended as one write. */
const maxBatch = 256
const maxConflicts = 100
const pageSize = 500
/** Step keys that are remembered; for what stands further back the stream is read. */
const maxRecent = 16_384

/**
 * One aggregate in this process: its state, kept as of its last known event, and a queue. All that wait are decided one
 * after the other on that state and appended in one write, so that a hot aggregate costs one commit for many orders, and
 * conflicts come from other processes only.
 */
export class AggregateStream {
  readonly #deps: AggregateDeps
  readonly #aggregate: Aggregate
  readonly #stream: string
  readonly #upcast: Upcasts
  #state: JsonValue
  /** Revision of the last event folded; -1n for none. */
  #revision = -1n
  #loaded: Promise<void> | undefined
  #snapshotRevision = -1n
  #queue: Pending[] = []
  #pumping = false
  /** The step keys of all events after `#recentAfter`, with the revision of the last event of each. */
  #recent = new Map<string, bigint>()
  #recentAfter = -1n

  constructor(deps: AggregateDeps, aggregate: Aggregate, stream: string) {
    this.#deps = deps
    this.#aggregate = aggregate
    this.#stream = stream
    this.#upcast = { ...deps.upcast, ...aggregate.upcast }
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

  /** Acts on the aggregate, once for each step key. */
  execute(request: AggregateRequest): Promise<ExecuteResult> {
    const settled = Promise.withResolvers<ExecuteResult>()
    this.#queue.push({ ...request, settled })
    if (!this.#pumping) void this.#pump()
    return settled.promise
  }

  async #pump(): Promise<void> {
    this.#pumping = true
    while (this.#queue.length > 0) await this.#settle(this.#queue.splice(0, maxBatch))
    this.#pumping = false
  }

  async #settle(batch: readonly Pending[]): Promise<void> {
    try {
      await this.#decideAll(batch)
    } catch (error) {
      if (error instanceof EventStoreError && error.code === 'event-too-large') {
        await this.#settleApart(batch, error)
        return
      }
      for (const { settled } of batch) settled.reject(error)
    }
  }

  /** One of them is too large, or all together are: that is the fault of no other. */
  async #settleApart(batch: readonly Pending[], cause: EventStoreError): Promise<void> {
    const [only, ...others] = batch
    if (only !== undefined && others.length === 0) {
      only.settled.reject(new RangeError(`what it comes to is larger than the store accepts`, { cause }))
      return
    }
    const half = Math.ceil(batch.length / 2)
    await this.#settle(batch.slice(0, half))
    await this.#settle(batch.slice(half))
  }

  async #decideAll(batch: readonly Pending[]): Promise<void> {
    await this.#load()
    let open = await this.#withoutDone(batch)
    for (let round = 0; open.length > 0; round++) {
      if (round > maxConflicts)
        throw new EventStoreError('unavailable', `other processes kept writing to ${this.#stream}`)
      const decisions = this.#decideOn(open)
      if (decisions.appended.length > 0) {
        if (await this.#append(decisions)) return
        await this.#readOn()
      } else if (!(await this.#readOn())) {
        // Nobody else has written: it is a "no" as of now, not as of when this process looked last.
        settleAll(decisions)
        return
      }
      open = await this.#withoutDone(open)
    }
  }

  /** Requests whose events stand on the stream are done. */
  async #withoutDone(batch: readonly Pending[]): Promise<readonly Pending[]> {
    await this.#recall(batch)
    const open: Pending[] = []
    for (const request of batch) {
      const { stepKey, after, settled } = request
      const known = BigInt(after) >= this.#recentAfter && !this.#recent.has(stepKey)
      const found = known ? undefined : await this.#find(stepKey, after)
      if (found === undefined) open.push(request)
      else settled.resolve(found)
    }
    return open
  }

  /** After a restart many ask for what stands a little further back: it is read once for all. */
  async #recall(batch: readonly Pending[]): Promise<void> {
    const oldest = batch.reduce((least, { after }) => Math.min(least, after), Number(this.#recentAfter))
    const after = BigInt(oldest)
    if (after >= this.#recentAfter || this.#revision - after > BigInt(maxRecent)) return
    const recalled = new Map<string, bigint>()
    for await (const event of this.#readAfter(after)) {
      if (event.revision > this.#recentAfter) break
      const stepKey = stepKeyOf(event)
      if (stepKey !== undefined) recalled.set(stepKey, event.revision)
    }
    this.#recent = new Map([...recalled, ...this.#recent])
    this.#recentAfter = after
  }

  /** What a step came to, looked for after a revision; undefined when that was never written. */
  async #find(stepKey: string, after: number): Promise<ExecuteResult | undefined> {
    const events: RecordedEvent[] = []
    for await (const event of this.#readAfter(BigInt(after))) {
      if (stepKeyOf(event) === stepKey) events.push(event)
      else if (events.length > 0) break
    }
    const [first] = events
    if (first === undefined) return undefined
    if (isDecidedWithoutEvents(first)) return first.data['result'] as unknown as ExecuteResult
    return { kind: 'done', events: events.map(({ type, data }) => ({ type, data })) }
  }

  /** Decides one after the other, each on the state that the ones before it leave. */
  #decideOn(batch: readonly Pending[]): Decisions {
    let state = this.#state
    const results = new Map<Pending, ExecuteResult>()
    const failures = new Map<Pending, unknown>()
    const appended: NewEvent[] = []
    /** What the batch writes for a step is what the step came to, for all that ask. */
    const written = new Map<string, ExecuteResult>()
    for (const request of batch) {
      const { stepKey } = request
      const same = written.get(stepKey)
      if (same !== undefined) {
        results.set(request, same)
        continue
      }
      try {
        const { result, next } = this.#decide(request, state)
        state = next
        results.set(request, result)
        const events = this.#eventsOf(result, request)
        if (events.length > 0) written.set(stepKey, result)
        appended.push(...events)
      } catch (error) {
        failures.set(request, error)
      }
    }
    return { results, failures, appended, state }
  }

  #decide(
    { command, turn }: AggregateRequest,
    state: JsonValue,
  ): {
    readonly result: ExecuteResult
    readonly next: JsonValue
  } {
    if (turn === 'close') return { result: { kind: 'done', events: [] }, next: state }
    const decision = this.#aggregate.decide(command, state)
    if (isRejection(decision)) return { result: { kind: 'rejected', reason: decision.reason }, next: state }
    const events: readonly DomainEvent[] = isList(decision) ? decision : [decision]
    const next = events.reduce((before, event) => this.#evolve(before, { ...event, metadata: versionOf(event) }), state)
    return { result: { kind: 'done', events }, next }
  }

  /** Folds an event, brought to its newest version: one that was just decided as it will be read. */
  #evolve(state: JsonValue, event: Pick<RecordedEvent, 'type' | 'data' | 'metadata'>): JsonValue {
    return this.#aggregate.evolve(state, { ...event, data: upcastEvent(event, this.#upcast).data })
  }

  /** What is written for a decision: its events, or, where somebody else may be at the step, that it has none. */
  #eventsOf(result: ExecuteResult, { stepKey, turn, tenant }: AggregateRequest): readonly NewEvent[] {
    const { ids } = this.#deps
    const metadata = { v: 1, tenant, step_key: stepKey }
    if (result.kind === 'done' && result.events.length > 0)
      return result.events.map((event) => ({
        id: ids.uuid(),
        type: event.type,
        data: event.data,
        metadata: { ...metadata, ...versionOf(event) },
      }))
    if (turn === 'first') return []
    const data = { result: result as unknown as JsonObject }
    return [{ id: ids.uuid(), type: decidedWithoutEvents, data, metadata: { ...metadata, without_events: true } }]
  }

  /** Appends what was decided, and tells it. False on a conflict. */
  async #append(decisions: Decisions): Promise<boolean> {
    const { appended: events, state } = decisions
    const expectedRevision = this.#revision < 0n ? 'no_stream' : this.#revision
    const result = await appendSurely(this.#deps, { stream: this.#stream, events, expectedRevision })
    if (result.kind === 'conflict') return false
    for (const event of events) this.#noteStep(stepKeyOf(event), ++this.#revision)
    this.#state = state
    settleAll(decisions)
    this.#snapshot()
    return true
  }

  #noteStep(stepKey: string | undefined, revision: bigint): void {
    if (stepKey === undefined) return
    this.#recent.delete(stepKey)
    this.#recent.set(stepKey, revision)
    if (this.#recent.size <= maxRecent) return
    const [oldest] = this.#recent
    if (oldest === undefined) return
    this.#recent.delete(oldest[0])
    this.#recentAfter = oldest[1]
  }

  /** Reads on from the last known event, and folds. True when there was something. */
  async #readOn(): Promise<boolean> {
    const before = this.#revision
    for await (const event of this.#readAfter(before)) {
      if (!isDecidedWithoutEvents(event)) this.#state = this.#evolve(this.#state, event)
      this.#revision = event.revision
      this.#noteStep(stepKeyOf(event), event.revision)
    }
    return this.#revision > before
  }

  async *#readAfter(revision: bigint): AsyncGenerator<RecordedEvent> {
    for (let from = revision + 1n; ;) {
      const page = await this.#deps.store.read(this.#stream, { direction: 'forwards', from, maxCount: pageSize })
      yield* page
      if (page.length < pageSize) return
      from += BigInt(page.length)
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
    this.#recent.clear()
    this.#recentAfter = this.#revision
    await this.#readOn()
  }

  /** A snapshot only saves reading: that one cannot be written loses nothing, and the next one is tried later. */
  #snapshot(): void {
    if (this.#revision - this.#snapshotRevision < BigInt(this.#aggregate.snapshotEvery)) return
    this.#snapshotRevision = this.#revision
    const snapshot = { state: this.#state, revision: this.#revision, version: this.#aggregate.snapshotVersion }
    saveSnapshot(this.#deps, this.#stream, snapshot).catch(() => undefined)
  }
}

/** How the version of the data stands in the metadata: absent for 1. */
const versionOf = ({ version = 1 }: DomainEvent): JsonObject => (version === 1 ? {} : { version })

const isList = (decision: object): decision is readonly DomainEvent[] => Array.isArray(decision)

function settleAll({ results, failures }: Decisions): void {
  for (const [{ settled }, result] of results) settled.resolve(result)
  for (const [{ settled }, error] of failures) settled.reject(error)
}

const stepKeyOf = ({ metadata }: NewEvent): string | undefined =>
  (metadata as JsonObject & { step_key?: string }).step_key

/**
 * Type of the event that is written where a step was decided without events, and somebody else may be at it. It is
 * Holdfast's own, and nothing to `evolve`: whoever else is at the step finds the decision instead of deciding again.
 */
const decidedWithoutEvents = 'StepDecidedWithoutEvents'

/** The application may have a type of the same name: the metadata tell. */
const isDecidedWithoutEvents = ({ metadata }: RecordedEvent): boolean => metadata['without_events'] === true
