import type { DomainEvent } from '../command/define-command.ts'
import type { JsonValue } from '../json.ts'
import { assertUpcasts, type Upcasts } from '../projection/upcast.ts'

const rejection: unique symbol = Symbol('rejection')

/** An aggregate's own "no". Nothing is appended. */
export interface Rejection<Reason extends JsonValue = JsonValue> {
  readonly [rejection]: true
  readonly reason: Reason
}

/** Makes a rejection, for `decide`. */
export function reject<const Reason extends JsonValue>(reason: Reason): Rejection<Reason> {
  return { [rejection]: true, reason }
}

export function isRejection(value: object): value is Rejection {
  return rejection in value
}

export interface AggregateSpec<
  State extends JsonValue,
  Command extends JsonValue,
  Event extends DomainEvent,
  Reason extends JsonValue,
> {
  /** First part of the stream names: `<name>-<id>`. Lower-case letters and digits. */
  readonly name: string
  readonly initial: State
  /** Folds an event. Pure. */
  evolve(state: State, event: Event): State
  /**
   * Decides. Pure. An empty list is a "yes" that changes nothing. (A property, not a method, whose parameters TypeScript
   * compares loosely: so `ctx.execute` takes only commands that it knows.)
   */
  readonly decide: (command: Command, state: State) => Event | readonly Event[] | Rejection<Reason>
  /** A snapshot is written about every so many events, so that a long stream is not read from its start. Default 200. */
  readonly snapshotEvery?: number
  /** Part of each snapshot: raise it when `State` or `evolve` changes, and older snapshots are ignored. Default 1. */
  readonly snapshotVersion?: number
  /**
   * Brings stored events of older versions to the newest, before `evolve` sees them. What `decide` gives is of the newest
   * version, and says so (`version`). Default: none.
   */
  readonly upcast?: Upcasts
}

/** An aggregate with its defaults resolved. */
export interface Aggregate<
  State extends JsonValue = JsonValue,
  Command extends JsonValue = JsonValue,
  Event extends DomainEvent = DomainEvent,
  Reason extends JsonValue = JsonValue,
> extends AggregateSpec<State, Command, Event, Reason> {
  readonly snapshotEvery: number
  readonly snapshotVersion: number
  readonly upcast: Upcasts
}

/** Stream categories that are Holdfast's own. */
const reserved = new Set(['command', 'snapshot', 'checkpoint'])

/**
 * Defines an aggregate: a consistency boundary with a stream of its own, on which commands act through `ctx.execute`.
 *
 * @throws TypeError for a name that is reserved or malformed, or upcasts from what is no version
 */
export function defineAggregate<
  State extends JsonValue,
  Command extends JsonValue,
  Event extends DomainEvent,
  Reason extends JsonValue = never,
>(spec: AggregateSpec<State, Command, Event, Reason>): Aggregate<State, Command, Event, Reason> {
  if (!/^[a-z][a-z0-9]*$/.test(spec.name))
    throw new TypeError(`an aggregate cannot be named "${spec.name}": a name looks like "inventory"`)
  if (reserved.has(spec.name))
    throw new TypeError(`an aggregate cannot be named "${spec.name}": the category is Holdfast's own`)
  const { snapshotEvery = 200, snapshotVersion = 1, upcast = {} } = spec
  assertUpcasts(upcast, `aggregate "${spec.name}"`)
  return { ...spec, snapshotEvery, snapshotVersion, upcast }
}

/** The aggregate's stream. @throws TypeError for an id that is not 1 to 200 visible ASCII characters */
export function aggregateStream(aggregate: Pick<Aggregate, 'name'>, id: string): string {
  if (!/^[\x21-\x7e]{1,200}$/.test(id))
    throw new TypeError(`"${id}" cannot be the id of an aggregate: it takes 1 to 200 visible ASCII characters`)
  return `${aggregate.name}-${id}`
}

/** What became of a command to an aggregate. JSON: it is recorded as the step's result. */
export type ExecuteResult<Event extends DomainEvent = DomainEvent, Reason extends JsonValue = JsonValue> =
  { readonly kind: 'done'; readonly events: readonly Event[] } | { readonly kind: 'rejected'; readonly reason: Reason }

export interface ExecuteOptions<Command extends JsonValue, Event extends DomainEvent> {
  /** Name of the step. Default `<aggregate>-<id>`; needed where a command acts on one aggregate twice. */
  readonly step?: string
  /** The command that takes the effect back when the command is refused or fails later. */
  undo?(events: readonly Event[]): Command
}

/** `ctx.execute`: a command to an aggregate as a durable step. */
export type Execute = <
  State extends JsonValue,
  const Command extends JsonValue,
  Event extends DomainEvent,
  Reason extends JsonValue,
>(
  aggregate: Aggregate<State, Command, Event, Reason>,
  id: string,
  command: { readonly command: Command } & ExecuteOptions<Command, Event>,
) => Promise<ExecuteResult<Event, Reason>>
