import {
  keyMetadata,
  type Fingerprint,
  type OutcomeRecord,
  type RecordedEnvelope,
  type RecordedEvent,
} from '@holdfast/core'

/** A generation as an auditor rebuilds it, from nothing but the events. */
export interface AuditedGeneration {
  readonly generation: number
  readonly fingerprint: Fingerprint
  readonly attemptId: string
  readonly envelope: RecordedEnvelope
  readonly events: readonly RecordedEvent[]
  /** Absent while the generation is open. */
  readonly outcome?: OutcomeRecord
}

/**
 * Rebuilds the generations of one key's stream, and holds them to the rules: numbered 1, 2, 3 … without a gap; one
 * request and one attempt each; the envelope on the first event only, the outcome on the last one only; none begun
 * before the one ahead of it has its outcome.
 *
 * @throws Error that names the event which breaks a rule
 */
export function auditGenerations(events: readonly RecordedEvent[]): readonly AuditedGeneration[] {
  const generations: AuditedGeneration[] = []
  for (const event of events) {
    const metadata = keyMetadata(event)
    const current = generations.at(-1)
    const rule = (holds: boolean, says: string): void => {
      if (!holds) throw new Error(`event ${event.revision} of ${event.stream} (${event.type}): ${says}`)
    }
    if (current?.generation !== metadata.generation) {
      rule(
        metadata.generation === generations.length + 1,
        `generation ${metadata.generation} after ${generations.length}`,
      )
      rule(current === undefined || current.outcome !== undefined, 'the generation before it has no outcome')
      const { envelope, ...rest } = metadata
      if (envelope === undefined) throw new Error(`generation ${metadata.generation} begins without its envelope`)
      generations.push({ ...rest, envelope, events: [event] })
      continue
    }
    rule(current.outcome === undefined, 'it stands behind the outcome of its generation')
    rule(metadata.envelope === undefined, 'a second envelope')
    rule(metadata.fingerprint === current.fingerprint, 'another request')
    rule(metadata.attemptId === current.attemptId, 'another attempt')
    generations[generations.length - 1] = {
      ...current,
      events: [...current.events, event],
      ...(metadata.outcome && { outcome: metadata.outcome }),
    }
  }
  return generations
}
