import { isDecisionEvent, keyEventTypes } from '@holdfast/core'
import type { DomainEvent, JsonObject, KeyEventMetadata, RecordedEnvelope } from '@holdfast/core'
import type { StoredEvent } from '../history.ts'
import type { Findings } from './findings.ts'

/** An event of a key's stream, understood. */
export interface KeyEvent {
  readonly stored: StoredEvent
  readonly data: JsonObject
  readonly metadata: KeyEventMetadata
}

/** A generation that has begun and has no outcome yet, as far as it was read. */
export interface OpenGeneration {
  readonly envelope: RecordedEnvelope | undefined
  readonly fingerprint: string
  readonly attemptId: string
  /** The command's own events. */
  readonly decided: DomainEvent[]
  readonly completedSteps: Set<number>
  lastAttempt: number
  /** Bytes that it keeps in memory, about. */
  bytes: number
}

export function beginGeneration({ stored, metadata }: KeyEvent): OpenGeneration {
  const { envelope, fingerprint, attemptId } = metadata
  return {
    envelope,
    fingerprint,
    attemptId,
    decided: [],
    completedSteps: new Set(),
    lastAttempt: 0,
    bytes: stored.metadata.length,
  }
}

/** Takes an event into its generation, and looks whether it may stand there. */
export function continueGeneration(open: OpenGeneration, event: KeyEvent, findings: Findings): void {
  const { stored, data, metadata } = event
  if (metadata.fingerprint !== open.fingerprint) {
    findings.at(stored, 'fingerprint', 'the fingerprint is another than at the beginning of the generation')
  }
  if (metadata.attemptId !== open.attemptId) {
    findings.at(stored, 'attempt', 'the attempt is another than at the beginning of the generation')
  }
  const tenant = open.envelope?.tenant
  if (metadata.tenant !== undefined && tenant !== undefined && metadata.tenant !== tenant) {
    findings.at(stored, 'envelope', 'the tenant is another than at the beginning of the generation')
  }
  if (isDecisionEvent(stored.type)) {
    const { version } = metadata
    open.decided.push({ type: stored.type, data, ...(version !== undefined && { version }) })
    open.bytes += stored.data.length
    return
  }
  switch (stored.type) {
    case keyEventTypes.attemptFailed: {
      const attempt = data['attempt']
      if (typeof attempt !== 'number' || attempt <= open.lastAttempt) {
        findings.at(
          stored,
          'attempt',
          `a failed try with the number ${JSON.stringify(attempt)}, after ${open.lastAttempt}`,
        )
      } else {
        open.lastAttempt = attempt
      }
      break
    }
    case keyEventTypes.stepCompleted: {
      const { index, name } = stepOf(data)
      if (open.completedSteps.has(index)) findings.at(stored, 'step', `the step "${name}" was completed before`)
      open.completedSteps.add(index)
      break
    }
    case keyEventTypes.stepUndone: {
      const { index, name } = stepOf(data)
      if (!open.completedSteps.delete(index))
        findings.at(stored, 'step', `the step "${name}" was undone and never done`)
      break
    }
  }
}

const stepOf = (data: JsonObject): { readonly index: number; readonly name: string } => ({
  index: Number(data['index']),
  name: typeof data['step'] === 'string' ? data['step'] : '',
})

/** An outcome stands on an event of its own kind. */
export function checkOutcomeEvent({ stored, metadata }: KeyEvent, findings: Findings): void {
  const { type } = stored
  const kind = metadata.outcome?.kind
  const fits =
    kind === 'failed'
      ? type === keyEventTypes.failed
      : kind === 'rejected'
        ? type === keyEventTypes.rejected
        : isDecisionEvent(type) && type !== keyEventTypes.failed && type !== keyEventTypes.rejected
  if (!fits) findings.at(stored, 'outcome', `a ${String(kind)} outcome on an event of the type ${type}`)
}
