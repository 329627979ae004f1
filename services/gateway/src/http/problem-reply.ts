import {
  errorCatalogue,
  headers,
  problem,
  problemMediaType,
  type ErrorCode,
  type InputIssue,
} from '@holdfast/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface ProblemDetails {
  readonly detail?: string
  readonly issues?: readonly InputIssue[]
}

export interface ProblemAnswer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: string
}

/** Seconds after which a retry makes sense, for every 503 and for `command-in-progress`. */
const retryAfterSeconds = '1'

/** A problem document of the catalogue (RFC 9457), with a link to its page (RFC 8288). */
export function problemAnswer(
  requestId: string,
  { code, detail, issues }: { readonly code: ErrorCode } & ProblemDetails,
): ProblemAnswer {
  const { status, meaning } = errorCatalogue[code]
  const document = problem(code, { detail: detail ?? meaning, instance: requestId, ...(issues && { issues }) })
  const named = [headers.link, `<${document.type}>; rel="describedby"`, headers.contentType, problemMediaType]
  if (status === 503 || code === 'command-in-progress') named.push(headers.retryAfter, retryAfterSeconds)
  return { status, headers: named, body: JSON.stringify(document) }
}

/** Answers with a problem document of the catalogue. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problemOf: { readonly code: ErrorCode } & ProblemDetails,
): FastifyReply {
  const { status, headers: named, body } = problemAnswer(request.id, problemOf)
  for (let at = 0; at < named.length; at += 2) void reply.header(named[at] ?? '', named[at + 1] ?? '')
  // As bytes: to text Fastify would add a charset, which JSON's media types do not have (RFC 8259, section 11).
  return reply.status(status).send(Buffer.from(body))
}
