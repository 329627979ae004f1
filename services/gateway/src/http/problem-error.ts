import type { ErrorCode, InputIssue } from '@holdfast/contracts'

/** Thrown inside a route or a hook for an answer of the error catalogue; the error handler sends it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly code: ErrorCode
  readonly issues: readonly InputIssue[] | undefined

  /** `detail` goes to the caller: never an internal message. */
  constructor(code: ErrorCode, detail: string, issues?: readonly InputIssue[]) {
    super(detail)
    this.code = code
    this.issues = issues
  }
}
