import { problem, problemFrom, problemMediaType } from '@holdfast/contracts'
import type { Command, DomainEvent } from '../command/define-command.ts'
import { renderResponse } from '../command/response.ts'
import { asJson, type JsonObject } from '../json.ts'
import { keyEventTypes, type OutcomeKind, type StoredResponse } from '../key-state/events.ts'

export interface DecidedOutcome {
  readonly kind: OutcomeKind
  /** Id of the request that was executed. */
  readonly requestId: string
  /** The generation's events, oldest first; those that Holdfast writes on the way may be among them. */
  readonly events: readonly DomainEvent[]
}

/** What Holdfast writes before a command is decided: none of it is an event of the command. */
const onTheWay: ReadonlySet<string> = new Set([
  keyEventTypes.accepted,
  keyEventTypes.attemptFailed,
  keyEventTypes.stepStarted,
  keyEventTypes.stepCompleted,
  keyEventTypes.compensationStarted,
  keyEventTypes.stepUndone,
])

/** True for the events that `respond` is given: the command's own, and those that carry an outcome without any. */
export const isDecisionEvent = (type: string): boolean => !onTheWay.has(type)

/**
 * Projects the response of a recorded outcome anew from its events, by the code as it is now. Equal to the recorded response
 * unless that code, or the response, was changed since.
 *
 * @throws TypeError when there is nothing to project from, or the command does not declare the refusal; whatever `respond` throws
 */
export function projectAgain(command: Command, { kind, requestId, events }: DecidedOutcome): StoredResponse {
  const decided = events.filter(({ type }) => isDecisionEvent(type))
  const last = decided.at(-1)
  if (last === undefined) throw new TypeError('the generation has no event to project a response from')
  switch (kind) {
    case 'succeeded':
      return renderResponse(command.respond(last, decided))
    case 'rejected': {
      const { code, detail, ...members } = last.data as JsonObject & Record<'code' | 'detail', string>
      return refusalResponse(command, { code, detail, members }, requestId)
    }
    case 'failed': {
      const { reason, ...more } = last.data as JsonObject & { readonly reason: string }
      return failureResponse(Object.keys(more).length === 0 ? reason : operatorNeeded, requestId)
    }
  }
}

/** @throws TypeError when the command does not declare the code */
export function refusalResponse(
  command: Command,
  { code, detail, members }: { readonly code: string; readonly detail: string; readonly members: JsonObject },
  requestId: string,
): StoredResponse {
  const entry = command.refusals[code]
  if (entry === undefined) throw new TypeError(`"${command.name}" refused with "${code}", which it does not declare`)
  const document = problemFrom(code, { ...entry, retryable: false }, { detail, instance: requestId })
  const link = `</problems/${code}>; rel="describedby"`
  return renderResponse(
    { status: entry.status, headers: { link }, body: { ...members, ...asJson(document) } },
    problemMediaType,
  )
}

/** Told instead of the reason where that names steps: they are the operator's business. */
export const operatorNeeded = 'it cannot be finished without an operator'

export function failureResponse(told: string, requestId: string): StoredResponse {
  const document = problem('command-failed', { detail: `The command was given up: ${told}.`, instance: requestId })
  const headers = { link: `<${document.type}>; rel="describedby"` }
  return renderResponse({ status: document.status, headers, body: asJson(document) }, problemMediaType)
}
