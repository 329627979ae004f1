import type { InputIssue, Problem } from '@holdfast/contracts'

/** A problem document with its code: the last part of its `type`. Members that the gateway or the command added are kept. */
export type ProblemDocument<Code extends string = string> = Problem & {
  readonly code: Code
  readonly [member: string]: unknown
}

/**
 * The gateway has answered for good, and not with an outcome of the command: the request was refused and had no effect,
 * or (`recorded`) the command was tried as often as it allows, and failed.
 */
export class HoldfastProblem extends Error {
  override readonly name = 'HoldfastProblem'
  /** A code of the error catalogue, or `http-<status>` for an answer without a problem document. */
  readonly code: string
  readonly status: number
  /** True when the same request with the same key may be sent again and can succeed; the client has given up, though. */
  readonly retryable: boolean
  /** The request's id in the gateway's log; '' when something in between has answered. */
  readonly requestId: string
  /** With `request-invalid`: each fault of the input by its path. */
  readonly issues: readonly InputIssue[]
  /** True when this is the key's recorded outcome, which every retry gets. */
  readonly recorded: boolean
  readonly problem: ProblemDocument
  /** The idempotency key of the request; undefined for those that need none. */
  readonly key: string | undefined
  readonly attempts: number

  constructor(problem: ProblemDocument, context: ProblemContext) {
    super(`${problem.code}: ${problem.detail}`)
    this.code = problem.code
    this.status = problem.status
    this.retryable = problem.retryable
    this.requestId = problem.instance
    this.issues = problem.issues ?? []
    this.recorded = context.recorded ?? false
    this.problem = problem
    this.key = context.key
    this.attempts = context.attempts
  }
}

export interface ProblemContext {
  readonly key?: string | undefined
  readonly attempts: number
  readonly recorded?: boolean
}

/**
 * Why the outcome is not known:
 *
 * - `attempts`, `time`: the bounds of the options were reached
 * - `aborted`: by the caller's signal, or an `apiKey` function that threw; that is the `cause`
 * - `refused`: a later attempt was refused (the `cause`), which says nothing about an earlier one that got no answer
 * - `not-holdfast`: something answered that is no Holdfast gateway, or hides its headers
 * - `released`: an operator has released the key after the outcome; the next request would be executed anew
 */
export type UnknownReason = 'attempts' | 'time' | 'aborted' | 'refused' | 'not-holdfast' | 'released'

/**
 * The command may or may not have been executed. Sending the same input with `key` later is safe, and finds out; a new
 * key would be a new intent.
 */
export class HoldfastOutcomeUnknownError extends Error {
  override readonly name = 'HoldfastOutcomeUnknownError'
  readonly reason: UnknownReason
  readonly key: string
  readonly attempts: number
  /** Known once the gateway has accepted the command. */
  readonly commandId: string | undefined

  constructor(reason: UnknownReason, context: UnknownContext) {
    super(`the outcome under the key ${context.key} is not known (${reason})`, { cause: context.cause })
    this.reason = reason
    this.key = context.key
    this.attempts = context.attempts
    this.commandId = context.commandId
  }
}

export interface UnknownContext {
  readonly key: string
  readonly attempts: number
  readonly commandId?: string | undefined
  readonly cause: unknown
}

/** What was thrown, as an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

/** The error for what an attempt met last: a problem that was answered, or what went wrong with the connection. */
export const errorOf = (cause: ProblemDocument | Error, context: ProblemContext): Error =>
  cause instanceof Error ? cause : new HoldfastProblem(cause, context)
