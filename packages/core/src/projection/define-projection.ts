import type { z } from 'zod'
import type { DomainEvent } from '../command/define-command.ts'
import type { JsonValue } from '../json.ts'
import type { ProjectionEvent } from './projection-event.ts'
import { assertUpcasts, type Upcasts } from './upcast.ts'

/** Written as a method, whose parameters TypeScript compares loosely: so that an application can list all kinds. */
type Evolve<State, Event> = { evolve(state: State, event: Event): State | undefined }['evolve']

/** The members of a union of events that have this type; an event whose `type` is any string has all. */
type OfType<Event extends DomainEvent, Type> = Event extends DomainEvent
  ? Type extends Event['type']
    ? Event
    : never
  : never

/** A function for each event type that counts; all others are passed over. */
export type ProjectionHandlers<State extends JsonValue, Event extends DomainEvent> = {
  readonly [Type in Event['type']]?: Evolve<State, ProjectionEvent<OfType<Event, Type>>>
}

/** Id of the only document of a projection without `key`. */
export const singleDocumentId = 'all'

/** Longest id of a document, UTF-8 bytes. */
export const maxDocumentIdBytes = 1_024

export interface ProjectionSpec<State extends JsonValue, Event extends DomainEvent> {
  /** Lower-case words with hyphens, unique in the application: `GET /projections/<name>`. */
  readonly name: string
  /**
   * Raise it when the functions, the key, the scope or the shape of `State` change: the new version is built from all
   * events beside the one that is read, and takes its place when it has caught up. A whole number from 1. Default 1.
   */
  readonly version?: number
  /** One sentence for `/openapi.json`. */
  readonly summary?: string
  /** Schema of a document, for `/openapi.json`. */
  readonly document?: z.ZodType
  /**
   * `tenant` (default): each tenant has documents of its own, made from the events of its own commands, and sees no
   * others; an event without a tenant is passed over. `shared`: one set of documents, from the events of all, and
   * **every** tenant reads it.
   */
  readonly scope?: 'tenant' | 'shared'
  /** Document before its first event. It is frozen. */
  readonly initial: State
  /**
   * Id of the document (or of several) that an event belongs to; undefined for none. 1 to 1,024 bytes of UTF-8, without
   * NUL. Pure. Default: there is one document, `all`.
   */
  key?(event: ProjectionEvent<Event>): string | readonly string[] | undefined
  /**
   * Folds an event of each type into its document. Pure: what it gives depends on its arguments alone, and an `undefined`
   * removes the document. What it throws stops this projection until the process starts again with better code.
   */
  readonly on: ProjectionHandlers<State, Event>
  /** Brings events of older versions to the newest, before `key` and `on` see them. Default: those of the application. */
  readonly upcast?: Upcasts
}

/** A projection with its defaults resolved. */
export interface Projection<
  State extends JsonValue = JsonValue,
  Event extends DomainEvent = DomainEvent,
> extends ProjectionSpec<State, Event> {
  readonly version: number
  readonly scope: 'tenant' | 'shared'
  readonly upcast: Upcasts
  /** Event types that it folds: the filter of its subscription. */
  readonly types: readonly string[]
  key(event: ProjectionEvent<Event>): string | readonly string[] | undefined
}

/**
 * Defines a projection: documents by id, folded from the global stream of events.
 *
 * The types of the events are said once, `defineProjection<State, OrderPlaced | OrderCancelled>(…)`, or taken from what
 * writes them: `EventOf<typeof placeOrder>`. Left out, `data` is JSON of any shape.
 *
 * @throws TypeError when the definition contradicts itself; at start
 */
export function defineProjection<State extends JsonValue, Event extends DomainEvent = DomainEvent>(
  spec: ProjectionSpec<State, Event>,
): Projection<State, Event> {
  const fail = (reason: string): never => {
    throw new TypeError(`projection "${spec.name}": ${reason}`)
  }
  const { version = 1, scope = 'tenant', upcast = {} } = spec
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(spec.name) || spec.name.length > 64)
    fail('a name looks like "sales-per-product", with at most 64 characters')
  if (!Number.isSafeInteger(version) || version < 1 || version > 2 ** 31 - 1) fail('a version is a whole number from 1')
  const types = Object.keys(spec.on)
  if (types.length === 0) fail('it has a function for no event type')
  assertUpcasts(upcast, `projection "${spec.name}"`)
  return {
    ...spec,
    version,
    scope,
    upcast,
    types,
    initial: freeze(spec.initial),
    key: spec.key?.bind(spec) ?? (() => singleDocumentId),
  }
}

/** All new documents share it: a function that changed it in place would change them all, and fails instead. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}
