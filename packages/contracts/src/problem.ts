import { z } from 'zod'
import { errorCatalogue, type ErrorCode, type ErrorEntry } from './errors.ts'

/** One fault in the input, by its path (`quantity`, `lines.0.sku`; empty for the body as a whole). */
export interface InputIssue {
  readonly path: string
  readonly message: string
}

/** A problem document (RFC 9457), the body of every 4xx and 5xx answer. */
export interface Problem {
  /** Path of a readable page on the gateway: `/problems/<code>`. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** The id of the request that met the problem; the log has it too. */
  readonly instance: string
  /** True when the same request with the same key may be sent again as it is. */
  readonly retryable: boolean
  /** Only with `request-invalid`. */
  readonly issues?: readonly InputIssue[]
}

/** Schema of {@link Problem}, for clients and for `/openapi.json`. Unknown members are kept. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  retryable: z.boolean(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

/** The path under which the gateway explains a code. */
export const problemPath = (code: string): string => `/problems/${code}`

export interface ProblemOptions {
  /** What happened this time, for the caller. Never an internal message. */
  readonly detail: string
  /** The request id. */
  readonly instance: string
  readonly issues?: readonly InputIssue[]
}

/** Builds the document for a code of the catalogue. */
export function problem(code: ErrorCode, options: ProblemOptions): Problem {
  return problemFrom(code, errorCatalogue[code], options)
}

/** Builds the document for any code: an application's refusals look like Holdfast's own errors. */
export function problemFrom(
  code: string,
  entry: Pick<ErrorEntry, 'title' | 'status' | 'retryable'>,
  options: ProblemOptions,
): Problem {
  return {
    type: problemPath(code),
    title: entry.title,
    status: entry.status,
    detail: options.detail,
    instance: options.instance,
    retryable: entry.retryable,
    ...(options.issues && { issues: options.issues }),
  }
}
