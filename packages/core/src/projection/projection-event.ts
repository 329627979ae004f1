import { parseTenant, type Tenant } from '../brands.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { JsonObject } from '../json.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import { upcastEvent, type Upcasts } from './upcast.ts'

interface Recorded {
  readonly id: string
  readonly stream: string
  /** Place in its stream, 0n for the first. */
  readonly revision: bigint
  /** Place in the global order. */
  readonly position: bigint
  /** The store's clock at the write, milliseconds since the epoch. */
  readonly recordedAtMs: number
  /** Whose command it came from; undefined for an event that was not written by a command. */
  readonly tenant: Tenant | undefined
  /** Version of `data`, after the upcasts. */
  readonly version: number
  /** Version that the stored bytes have. */
  readonly storedVersion: number
}

/** An event as projections see it. For a union of events: the union, told apart by `type`. */
export type ProjectionEvent<Event extends DomainEvent = DomainEvent> = Event extends DomainEvent
  ? Recorded & { readonly type: Event['type']; readonly data: Event['data'] }
  : never

/** Events of a command or an aggregate, for `defineProjection<State, EventOf<typeof placeOrder>>`. */
export type EventOf<Source> = Source extends { respond(event: infer Event, events: never): unknown }
  ? Extract<Event, DomainEvent>
  : Source extends { evolve(state: never, event: infer Event): unknown }
    ? Extract<Event, DomainEvent>
    : never

/**
 * Whose event it is: `tenant` in the metadata, or that of the envelope on the first event of a generation. Undefined for
 * events that no command wrote.
 */
export function tenantOf({ metadata }: { readonly metadata: JsonObject }): Tenant | undefined {
  const envelope = metadata['envelope'] as JsonObject | undefined
  const tenant = metadata['tenant'] ?? envelope?.['tenant']
  return typeof tenant === 'string' ? parseTenant(tenant) : undefined
}

/** A stored event as projections see it, brought to its newest version. Throws what an upcast throws. */
export function projectionEventOf(event: RecordedEvent, upcasts: Upcasts): ProjectionEvent {
  const { id, type, stream, revision, position, recordedAtMs } = event
  const { data, version, storedVersion } = upcastEvent(event, upcasts)
  return { id, type, data, stream, revision, position, recordedAtMs, tenant: tenantOf(event), version, storedVersion }
}
