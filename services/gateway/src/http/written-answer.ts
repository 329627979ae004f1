import { headers, type CommandProgress, type ErrorCode } from '@holdfast/contracts'
import { jsonMediaType, type Answer } from '@holdfast/core'
import { problemAnswer, type ProblemDetails } from './problem-reply.ts'

/** An answer to a command as it is written to the socket, without the headers that belong to the connection. */
export interface WrittenAnswer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: string
  /** Of the body in UTF-8. */
  readonly bytes: number
}

/** What an answer has from its own attempt. */
export interface AnswerContext {
  readonly requestId: string
  /** `Idempotency-Key` as it was sent. */
  readonly sentKey: string | undefined
  /** `Preference-Applied`. */
  readonly applied: string | undefined
  /** Headers that every answer has: names and values in turn. */
  readonly ofAllAnswers: readonly string[]
}

/** Puts an answer into headers and body; of a recorded response the body is what is stored, byte for byte. */
export function writeAnswer(
  answer: Answer,
  { requestId, sentKey, applied, ofAllAnswers }: AnswerContext,
): WrittenAnswer {
  const lines = [headers.requestId, requestId, headers.location, `/commands/${answer.commandId}`]
  if (answer.kind === 'response') lines.push(headers.idempotencyExpires, rfc3339(answer.expiresAtMs))
  if (sentKey !== undefined) lines.push(headers.idempotencyKey, sentKey)
  if (applied !== undefined) lines.push(headers.preferenceApplied, applied)
  lines.push(...ofAllAnswers)
  switch (answer.kind) {
    case 'response': {
      const { status, headers: declared, body } = answer.response
      if (answer.position !== '') lines.push(headers.projectionPosition, answer.position)
      if (answer.replayed) lines.push(headers.idempotentReplayed, 'true')
      for (const name in declared) lines.push(checked(name), checked(declared[name] ?? ''))
      return withLength(status, lines, body)
    }
    case 'pending': {
      const { commandId, state, attempts } = answer
      const progress: CommandProgress = { command_id: commandId, state, attempts }
      lines.push(headers.retryAfter, '1', headers.contentType, jsonMediaType)
      return withLength(202, lines, JSON.stringify(progress))
    }
    case 'refused': {
      const { status, headers: named, body } = problemAnswer(requestId, { code: answer.code })
      lines.push(...named)
      return withLength(status, lines, body)
    }
  }
}

/** A problem of the catalogue, of an attempt that has no answer of the gateway. */
export function writeProblem(
  problemOf: { readonly code: ErrorCode } & ProblemDetails,
  { requestId, sentKey, ofAllAnswers }: Omit<AnswerContext, 'applied'>,
): WrittenAnswer {
  const { status, headers: named, body } = problemAnswer(requestId, problemOf)
  const lines = [headers.requestId, requestId]
  if (sentKey !== undefined) lines.push(headers.idempotencyKey, sentKey)
  return withLength(status, [...lines, ...ofAllAnswers, ...named], body)
}

const unwritable = /[^\t\x20-\x7e\x80-\xff]/

/** What was recorded has been looked at; whoever wrote to the store past Holdfast must not write to sockets as well. */
function checked(text: string): string {
  if (unwritable.test(text)) throw new TypeError('a recorded header cannot be sent')
  return text
}

function withLength(status: number, lines: string[], body: string): WrittenAnswer {
  // What stood behind such a head would be taken for the next answer.
  if (hasNoBody(status)) return { status, headers: lines, body: '', bytes: 0 }
  const bytes = Buffer.byteLength(body)
  lines.push('content-length', String(bytes))
  return { status, headers: lines, body, bytes }
}

/** RFC 9110, section 6.4.1. */
const hasNoBody = (status: number): boolean => status === 204 || status === 304

let lastSecond = 0
let lastText = ''

/** RFC 3339 in whole seconds, rounded up: a caller that goes by it is never early. Most answers of a second share one text. */
function rfc3339(timeMs: number): string {
  const second = Math.ceil(timeMs / 1000)
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().replace('.000Z', 'Z')
    lastSecond = second
  }
  return lastText
}
