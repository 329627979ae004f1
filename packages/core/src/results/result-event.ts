import type { ResultData, ResultEvent } from '@holdfast/contracts'
import { commandIdOfStream, type CommandId } from '../brands.ts'
import type { OutcomeRecord, RecordedEnvelope, ReleaseRecord } from '../key-state/events.ts'
import { endsGeneration, keyMetadata } from '../key-state/state.ts'
import { EventStoreError, type RecordedEvent } from '../ports/event-store.ts'

/** What a result says of its command; stands on the first event of a generation. */
export type ResultOrigin = Pick<RecordedEnvelope, 'command' | 'tenant' | 'key'>

interface Parts {
  readonly commandId: CommandId
  readonly generation: number
  readonly origin: ResultOrigin
}

/** True when the event is a result: it carries the outcome of a generation, or the release of a key. */
export function isResult(event: RecordedEvent): boolean {
  return endsGeneration(keyMetadata(event))
}

/**
 * The CloudEvent of a recorded event, undefined for one that is no result. Pure: whoever makes it, and whenever, makes the
 * same, which is why results are published once per id however often they are sent.
 *
 * `origin` is the envelope of the event's generation, for an event that does not carry it itself.
 *
 * @throws EventStoreError `corrupt` when the event is none of a key's stream, or its generation's envelope is wanting
 */
export function resultEventOf(event: RecordedEvent, origin?: ResultOrigin): ResultEvent | undefined {
  const { generation, envelope, outcome, release } = keyMetadata(event)
  if (outcome === undefined && release === undefined) return undefined
  const commandId = commandIdOfStream(event.stream)
  const from = envelope ?? origin
  if (commandId === undefined || from === undefined) {
    const message = `event ${event.revision} of ${event.stream} is a result of a command that is not known`
    throw new EventStoreError('corrupt', message)
  }
  const parts = { commandId, generation, origin: from }
  if (outcome !== undefined) return outcomeResult(parts, outcome)
  return release && releaseResult(parts, release)
}

/** The CloudEvent of an outcome, for whoever has decided it and need not read it back. */
export function outcomeResult(
  parts: Parts,
  { kind, response, completedAtMs, expiresAtMs }: Omit<OutcomeRecord, 'attempts'>,
): ResultEvent {
  const { status, headers, body } = response
  return cloudEvent(parts, {
    id: `${parts.commandId}-${parts.generation}`,
    timeMs: completedAtMs,
    data: {
      outcome: kind,
      completed_at: iso(completedAtMs),
      expires_at: iso(expiresAtMs),
      response: { status, headers: { ...headers }, body },
    },
  })
}

function releaseResult(parts: Parts, { reason, by, releasedAtMs }: ReleaseRecord): ResultEvent {
  return cloudEvent(parts, {
    id: `${parts.commandId}-${parts.generation}-released`,
    timeMs: releasedAtMs,
    data: { outcome: 'released', released: { at: iso(releasedAtMs), by, reason } },
  })
}

type OwnData = Omit<ResultData, 'command_id' | 'command' | 'idempotency_key' | 'generation'>

function cloudEvent(
  { commandId, generation, origin }: Parts,
  { id, timeMs, data }: { readonly id: string; readonly timeMs: number; readonly data: OwnData },
): ResultEvent {
  const { command, tenant, key } = origin
  return {
    specversion: '1.0',
    id,
    source: '/commands',
    type: `holdfast.command.${data.outcome}`,
    subject: commandId,
    time: iso(timeMs),
    datacontenttype: 'application/json',
    command,
    tenant,
    data: { command_id: commandId, command, idempotency_key: key, generation, ...data },
  }
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString()
