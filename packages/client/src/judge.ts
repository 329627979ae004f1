import { headers, isErrorCode, problemMediaType, problemSchema } from '@holdfast/contracts'
import type { Met } from './attempt.ts'
import { retryAfterMsOf } from './backoff.ts'
import { asError, type ProblemDocument } from './errors.ts'

/** The key's recorded response, from an answer or from a look-up. */
export interface Recorded {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text, parsed where it is JSON; undefined where there is none. */
  readonly body: unknown
  readonly commandId: string
  readonly expiresAt: Date
  readonly replayed: boolean
  readonly requestId: string
}

/** What an attempt's answer means for the call. */
export type Verdict =
  /** The key has its outcome. */
  | { readonly kind: 'recorded'; readonly recorded: Recorded }
  /** Accepted durably; the outcome is to be had under the command's id. */
  | {
      readonly kind: 'follow'
      readonly commandId: string
      readonly requestId: string
      readonly retryAfterMs: number | undefined
    }
  /** Refused for good, and nothing is recorded: another attempt would get the same. */
  | { readonly kind: 'refused'; readonly problem: ProblemDocument }
  /** Safe to send again, and of use. `mayHaveRun`: this attempt may have started the command. */
  | {
      readonly kind: 'retry'
      readonly retryAfterMs: number | undefined
      readonly mayHaveRun: boolean
      readonly cause: ProblemDocument | Error
    }
  /** An answer that no Holdfast gateway gives. */
  | { readonly kind: 'foreign'; readonly cause: Error }

/** Codes of the catalogue with which an attempt ends before its command can start. */
const beforeStart: ReadonlySet<string> = new Set(['overloaded', 'request-timeout'])

/**
 * Judges an answer to a command. Pure. The rule: what is recorded is the outcome; a 202 is followed; whatever may be sent
 * again under its key is (no answer; `retryable` problems; 408, 429 and 5xx of something in between that knows no
 * `retryable`); every other 4xx is final.
 */
export function judge(met: Met): Verdict {
  if (met.kind === 'no-answer') {
    return { kind: 'retry', retryAfterMs: undefined, mayHaveRun: true, cause: asError(met.cause) }
  }
  const retryAfterMs = retryAfterMsOf(met.headers)
  try {
    const recorded = recordedIn(met)
    if (recorded !== undefined) return { kind: 'recorded', recorded }
  } catch (error) {
    // JSON that cannot be read has been mangled on its way.
    return { kind: 'retry', retryAfterMs, mayHaveRun: true, cause: asError(error) }
  }
  const commandId = commandIdIn(met.headers)
  if (met.status === 202 && commandId !== undefined) {
    return { kind: 'follow', commandId, requestId: requestIdIn(met.headers), retryAfterMs }
  }
  if (met.status < 400) {
    const cause = new Error(
      `${met.status} without the headers of a Holdfast gateway; a browser hides them unless CORS exposes them`,
    )
    return { kind: 'foreign', cause }
  }
  const problem = problemIn(met)
  if (!problem.retryable) return { kind: 'refused', problem }
  const mayHaveRun = !beforeStart.has(problem.code) && problem.status !== 429
  return { kind: 'retry', retryAfterMs, mayHaveRun, cause: problem }
}

type Answer = Extract<Met, { kind: 'answer' }>

/** @throws SyntaxError for a body that claims to be JSON and is not */
function recordedIn(answer: Answer): Recorded | undefined {
  const commandId = commandIdIn(answer.headers)
  const expires = answer.headers.get(headers.idempotencyExpires)
  if (commandId === undefined || expires === null) return undefined
  return {
    status: answer.status,
    headers: answer.headers,
    text: answer.text,
    body: bodyOf(answer),
    commandId,
    expiresAt: new Date(expires),
    replayed: answer.headers.get(headers.idempotentReplayed) === 'true',
    requestId: requestIdIn(answer.headers),
  }
}

/** @throws SyntaxError for a body that claims to be JSON and is not */
export function bodyOf({ headers: of, text }: Pick<Answer, 'headers' | 'text'>): unknown {
  if (text === '') return undefined
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(of.get(headers.contentType) ?? '')
  return isJson ? (JSON.parse(text) as unknown) : text
}

const commandIdIn = (of: Headers): string | undefined =>
  /\/commands\/([0-9a-f]{64})$/.exec(of.get(headers.location) ?? '')?.[1]

export const requestIdIn = (of: Headers): string => of.get(headers.requestId) ?? ''

export const isProblem = (of: Headers): boolean => (of.get(headers.contentType) ?? '').startsWith(problemMediaType)

/** Statuses that say "later" whoever sends them; of 5xx only a problem document can say that it is final. */
const laterStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500

/** The problem document of an answer; one that is made from the status where there is none. */
export function problemIn({ status, headers: of, text }: Answer): ProblemDocument {
  const parsed = isProblem(of) ? problemSchema.safeParse(jsonOrUndefined(text)) : undefined
  if (parsed?.success === true) {
    const code = parsed.data.type.split('/').at(-1) ?? ''
    return { ...parsed.data, code } as ProblemDocument
  }
  return {
    code: `http-${status}`,
    type: 'about:blank',
    title: `HTTP ${status}`,
    status,
    detail: `answered with ${status} and no problem document: something in between, or no Holdfast gateway`,
    instance: requestIdIn(of),
    retryable: laterStatus(status),
  }
}

/** A refusal that says that the key had never started another command of this call: it was another request's all along. */
export const settlesEarlierAttempts = (code: string): boolean =>
  isErrorCode(code) && (code === 'idempotency-key-reused' || code === 'idempotency-key-expired')

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
