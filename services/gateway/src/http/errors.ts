import type { ErrorCode } from '@holdfast/contracts'
import { EventStoreError, ReadStoreError } from '@holdfast/core'
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AllowedMethods } from './allowed-methods.ts'
import { ProblemError } from './problem-error.ts'
import { sendProblem, type ProblemDetails } from './problem-reply.ts'
import { writeProblem, type AnswerContext, type WrittenAnswer } from './written-answer.ts'

/** Fastify's own errors, by code, as the catalogue names them. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_BAD_URL: 'request-malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'request-malformed',
  FST_ERR_ASYNC_CONSTRAINT: 'request-malformed',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'content-type-unsupported',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request-malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request-malformed',
}

/** Every error leaves as a problem document; what is internal goes to the log under the same request id. */
export function answerErrors(fastify: FastifyInstance, allowed: AllowedMethods): void {
  fastify.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply))
  fastify.setNotFoundHandler((request, reply) => {
    const methods = allowed.of(request.url)
    if (methods.length === 0)
      return sendProblem(request, reply, { code: 'not-found', detail: 'Nothing is served under this path.' })
    void reply.header('allow', methods.join(', '))
    return sendProblem(request, reply, { code: 'method-not-allowed', detail: `This path takes ${methods.join(', ')}.` })
  })
}

export function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = catalogued(error)
  if (known.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer')
  logRefusal(request.log, known.code, { err: error })
  return sendProblem(request, reply, known)
}

/** The same for an attempt, whose answers are written past Fastify. */
export function failedAttempt(
  error: unknown,
  { log, ...context }: Omit<AnswerContext, 'applied'> & { readonly log: RefusalLog },
): WrittenAnswer {
  const known = catalogued(error)
  logRefusal(log, known.code, { reqId: context.requestId, err: error })
  return writeProblem(known, context)
}

export type RefusalLog = Pick<FastifyBaseLogger, 'debug' | 'warn' | 'error'>

function logRefusal(
  log: RefusalLog,
  code: ErrorCode,
  fields: { readonly err: unknown; readonly reqId?: string },
): void {
  if (code === 'internal') log.error(fields, 'request failed')
  else if (code === 'unavailable') log.warn(fields, 'request refused')
  else log.debug(fields, 'request refused')
}

/** An error as the catalogue names it; what it does not know is `internal`. */
function catalogued(error: unknown): { readonly code: ErrorCode } & ProblemDetails {
  if (error instanceof ProblemError) {
    return { code: error.code, detail: error.message, ...(error.issues && { issues: error.issues }) }
  }
  if ((error instanceof EventStoreError || error instanceof ReadStoreError) && error.canRetry)
    return { code: 'unavailable' }
  const { code, statusCode } = (error ?? {}) as Partial<FastifyError>
  const named = code === undefined ? undefined : frameworkCodes[code]
  return { code: named ?? (statusCode === 400 ? 'request-malformed' : 'internal') }
}
