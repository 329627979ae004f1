/**
 * Wire types, header names and the error catalogue.
 *
 * - `headers.ts`: header names and media types
 * - `errors.ts`: the error catalogue
 * - `problem.ts`: problem documents (RFC 9457)
 * - `command-status.ts`: 202 bodies and command look-ups
 * - `result-event.ts`: results, on `GET /results` and on Kafka
 */
export type { ErrorCode, ErrorEntry } from './errors.ts'
export type { InputIssue, Problem, ProblemOptions } from './problem.ts'
export type { CommandProgress, CommandStateName, CommandStatus } from './command-status.ts'
export type { ResultData, ResultEvent, ResultOutcome } from './result-event.ts'
export { errorCatalogue, isErrorCode } from './errors.ts'
export { headers, problemMediaType } from './headers.ts'
export { problem, problemFrom, problemPath, problemSchema } from './problem.ts'
export { commandProgressSchema, commandStates, commandStatusSchema, releaseRequestSchema } from './command-status.ts'
export { resultEventSchema, resultOutcomes } from './result-event.ts'
