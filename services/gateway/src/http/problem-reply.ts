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

/** Seconds after which a retry makes sense, for every 503 and for `command-in-progress`. */
const retryAfterSeconds = 1

/** Answers with a problem document of the catalogue (RFC 9457) and a link to its page (RFC 8288). */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problemOf: { readonly code: ErrorCode } & ProblemDetails,
): FastifyReply {
  const { code, detail, issues } = problemOf
  const { status, meaning } = errorCatalogue[code]
  const document = problem(code, { detail: detail ?? meaning, instance: request.id, ...(issues && { issues }) })
  if (status === 503 || code === 'command-in-progress') void reply.header(headers.retryAfter, String(retryAfterSeconds))
  return (
    reply
      .status(status)
      .header(headers.link, `<${document.type}>; rel="describedby"`)
      .header(headers.contentType, problemMediaType)
      // As bytes: to text Fastify would add a charset, which JSON's media types do not have (RFC 8259, section 11).
      .send(Buffer.from(JSON.stringify(document)))
  )
}
