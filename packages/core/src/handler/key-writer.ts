import type { StreamName } from '../brands.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { JsonObject } from '../json.ts'
import { keyEventTypes, type KeyEventMetadata, type OutcomeRecord, type RecordedEnvelope } from '../key-state/events.ts'
import type { Clock, Ids } from '../ports/clock.ts'
import { EventStoreError, type EventStore, type ExpectedRevision, type NewEvent } from '../ports/event-store.ts'
import { appendSurely } from './append-surely.ts'

/** Another worker wrote to the key's stream: what stands there now decides. */
export class GenerationLost extends Error {
  override readonly name = 'GenerationLost'
  /** The stream's revision in truth. */
  readonly actual: ExpectedRevision

  constructor(actual: ExpectedRevision) {
    super(`the stream is at ${actual}`)
    this.actual = actual
  }
}

export interface KeyWriterDeps {
  readonly store: EventStore
  readonly clock: Clock
  readonly ids: Ids
}

/** Where a generation's next event goes. */
export interface KeyWriterPlan {
  readonly stream: StreamName
  readonly envelope: CommandEnvelope
  readonly generation: number
  readonly expectedRevision: ExpectedRevision
  /** True when the generation's first event stands on the stream. */
  readonly accepted: boolean
}

const nothing = (): undefined => undefined

/** More than what stands beside the data of an event in the middle of a generation. */
const maxMetadataBytes = 512

/** Of one of JavaScript's characters in UTF-8. */
const maxCharacterBytes = 3

const done = Promise.resolve()

/**
 * Writes the events of one generation, one append after the other, each at the exact next revision: that fences every
 * other worker on the key. The generation's first event carries the envelope.
 */
export class KeyWriter {
  readonly #deps: KeyWriterDeps
  readonly #plan: KeyWriterPlan
  #revision: ExpectedRevision
  #accepted: boolean
  #position = 0n
  /** Why nothing can be written any more. */
  #ended: Error | undefined
  /** Settles, never rejects, when the last of the writes that were asked for is over; with why those behind it fail too. */
  #last: Promise<unknown> | undefined
  /** Why the outcome could not be written. Nobody works on the generation from then on, so it must not begin either. */
  #unconcluded: Error | undefined

  constructor(deps: KeyWriterDeps, plan: KeyWriterPlan) {
    this.#deps = deps
    this.#plan = plan
    this.#revision = plan.expectedRevision
    this.#accepted = plan.accepted
  }

  /** Global position of the last event that was written here. */
  get position(): bigint {
    return this.#position
  }

  /** True when the generation has begun on the stream. */
  get accepted(): boolean {
    return this.#accepted
  }

  /**
   * True when the store takes an event of these data in the middle of the generation. `characters`: how many their JSON has at
   * most, if that is known; then it need not be made for small ones.
   */
  fits(data: JsonObject, characters = Infinity): boolean {
    const room = this.#deps.store.maxEventBytes - maxMetadataBytes
    return characters * maxCharacterBytes <= room || Buffer.byteLength(JSON.stringify(data)) <= room
  }

  /** Begins the generation, unless it has. @throws GenerationLost, EventStoreError */
  accept(): Promise<void> {
    return this.#inTurn(() => {
      if (this.#accepted) return done
      if (this.#unconcluded !== undefined) return Promise.reject(this.#unconcluded)
      return this.#append([this.#event({ type: keyEventTypes.accepted, data: {} }, true)])
    })
  }

  /**
   * Appends events in the middle of the generation; begins it if it has not. A write that already waits behind this one
   * counts on it: when this one fails, that one does too.
   *
   * @throws GenerationLost, EventStoreError
   */
  record(events: readonly DomainEvent[]): Promise<void> {
    const write = (): Promise<void> => {
      const recorded = events.map((event) => this.#event(event, false))
      if (!this.#accepted) recorded.unshift(this.#event({ type: keyEventTypes.accepted, data: {} }, true))
      return this.#append(recorded)
    }
    return this.#inTurn(write, (error) => error)
  }

  /** Appends the events that end the generation, the outcome with the last of them. @throws GenerationLost, EventStoreError */
  conclude(events: readonly DomainEvent[], outcome: OutcomeRecord): Promise<void> {
    return this.#inTurn(() => {
      const last = events.length - 1
      const concluding = events.map((event, at) =>
        this.#event(event, at === 0 && !this.#accepted, at === last ? outcome : undefined),
      )
      return this.#append(concluding, (error) => {
        this.#unconcluded = error
      })
    })
  }

  /** Writes follow one another in the order in which they were asked for. `passOn` tells why those that wait fail too. */
  #inTurn(write: () => Promise<void>, passOn: (error: unknown) => unknown = nothing): Promise<void> {
    // Most generations have one write: it goes straight to the store.
    const mine =
      this.#last === undefined ? this.#whenOpen(write) : this.#last.then((fault) => this.#whenOpen(write, fault))
    const settled: Promise<unknown> = mine.then(
      () => this.#over(settled),
      (error: unknown) => this.#over(settled, passOn(error)),
    )
    this.#last = settled
    return mine
  }

  #over(write: Promise<unknown>, fault?: unknown): unknown {
    if (this.#last === write) this.#last = undefined
    return fault
  }

  #whenOpen(write: () => Promise<void>, fault?: unknown): Promise<void> {
    const reason = this.#ended ?? fault
    return reason instanceof Error ? Promise.reject(reason) : write()
  }

  #append(events: readonly NewEvent[], onFault?: (error: Error) => void): Promise<void> {
    const { stream } = this.#plan
    return appendSurely(this.#deps, { stream, events, expectedRevision: this.#revision }).then(
      (result) => {
        if (result.kind === 'conflict') {
          this.#ended = new GenerationLost(result.actual)
          throw this.#ended
        }
        this.#revision = result.revision
        this.#position = result.position
        this.#accepted = true
      },
      (error: unknown) => {
        // A generation that ends before it has begun leaves no trace: a late acceptance must not begin it.
        if (error instanceof EventStoreError && error.code === 'event-too-large' && !this.#accepted) this.#ended = error
        if (error instanceof Error) onFault?.(error)
        throw error
      },
    )
  }

  #event(event: DomainEvent, first: boolean, outcome?: OutcomeRecord): NewEvent {
    const { generation, envelope } = this.#plan
    const { fingerprint, attemptId } = envelope
    const metadata: { -readonly [Name in keyof KeyEventMetadata]: KeyEventMetadata[Name] } = {
      v: 1,
      generation,
      fingerprint,
      attemptId,
    }
    if (first) metadata.envelope = recorded(envelope)
    else metadata.tenant = envelope.tenant
    if (event.version !== undefined && event.version !== 1) metadata.version = event.version
    if (outcome !== undefined) metadata.outcome = outcome
    return {
      id: this.#deps.ids.uuid(),
      type: event.type,
      data: event.data,
      metadata: metadata as unknown as JsonObject,
    }
  }
}

/** Member by member: this is done for each command, and a rest of the others would be a slow object. */
function recorded(envelope: CommandEnvelope): RecordedEnvelope {
  const { command, tenant, key, requestId, receivedAtMs, seed, input, traceparent } = envelope
  return traceparent === undefined
    ? { command, tenant, key, requestId, receivedAtMs, seed, input }
    : { command, tenant, key, requestId, receivedAtMs, seed, input, traceparent }
}
