import { resultOutcomes, type InputIssue, type ResultOutcome } from '@holdfast/contracts'
import type { App, ResultFilter } from '@holdfast/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { ProblemError } from '../http/problem-error.ts'

/** What a consumer of `GET /results` asks for. */
export interface ResultQuery {
  readonly filter: ResultFilter
  /** Undefined: from the beginning. */
  readonly after: string | undefined
}

const listOf = <T extends z.ZodType>(item: T) =>
  z
    .union([item, z.array(item)])
    .transform((value): z.output<T>[] => (Array.isArray(value) ? value : [value]) as z.output<T>[])

/**
 * Reads `command`, `outcome` (both may be repeated), `after` and `Last-Event-ID`. The header wins: a browser that takes a
 * connection up again sends it beside the first URL.
 *
 * @throws ProblemError `results-query-invalid`
 */
export function parseResultQuery(app: App, request: FastifyRequest): ResultQuery {
  const parsed = schemaOf(app).safeParse({ ...(request.query as object), ...lastEventId(request) })
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap(issuesOf))
  const { command, outcome, after, 'Last-Event-ID': resumed } = parsed.data
  return {
    filter: { ...(command && { commands: command }), ...(outcome && { outcomes: outcome }) },
    after: resumed ?? after,
  }
}

/** A position that the event store does not know. */
export const unknownPosition = (): ProblemError =>
  invalid([{ path: 'Last-Event-ID', message: 'not a position of this event store' }])

function invalid(issues: readonly InputIssue[]): ProblemError {
  return new ProblemError('results-query-invalid', 'The results cannot be read like this.', issues)
}

const lastEventId = ({ headers }: FastifyRequest): object => {
  const value = headers['last-event-id']
  return value === undefined ? {} : { 'Last-Event-ID': value }
}

function schemaOf(app: App) {
  const position = z.string('one position').regex(/^\d{1,18}$/, 'not a position of this event store')
  return z
    .strictObject({
      command: listOf(z.string().refine((name) => app.command(name) !== undefined, 'no command of this application')),
      outcome: listOf(z.enum(resultOutcomes, `one of ${resultOutcomes.join(', ')}`) as z.ZodType<ResultOutcome>),
      after: position,
      'Last-Event-ID': position,
    })
    .partial()
}

/** One issue for each member; those of a repeated one stand inside a union. */
function issuesOf(issue: z.core.$ZodIssue): InputIssue[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((path) => ({ path, message: 'no such parameter' }))
  const within =
    issue.code === 'invalid_union' ? issue.errors.flat().find((each) => each.code !== 'invalid_type') : undefined
  return [{ path: String(issue.path[0] ?? ''), message: (within ?? issue).message }]
}
