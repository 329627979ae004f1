import type { InputIssue } from '@holdfast/contracts'
import { parseMoment, parsePosition, type Moment } from '@holdfast/projections'
import { ProblemError } from './problem-error.ts'

export const defaultLimit = 100
export const largestLimit = 1_000

/** What a read of a projection asks for. */
export interface ProjectionQuery {
  readonly at: Moment | undefined
  readonly after: bigint | undefined
}

export interface ProjectionPageQuery extends ProjectionQuery {
  readonly limit: number
  /** Id that the page begins behind. */
  readonly behind: string | undefined
}

/** Reads each parameter, and gathers what is wrong. */
function createParameters(query: unknown, names: readonly string[]) {
  const values = (query ?? {}) as Readonly<Record<string, unknown>>
  const issues: InputIssue[] = Object.keys(values).flatMap((path) =>
    names.includes(path) ? [] : [{ path, message: 'no such parameter' }],
  )
  return {
    read<T>(path: string, parse: (text: string) => T | undefined, message: string): T | undefined {
      const value = values[path]
      if (value === undefined) return undefined
      const parsed = typeof value === 'string' ? parse(value) : undefined
      if (parsed === undefined) issues.push({ path, message })
      return parsed
    },
    assertValid(): void {
      if (issues.length > 0)
        throw new ProblemError('projection-query-invalid', 'The projection cannot be read like this.', issues)
    },
  }
}

const momentOf = (parameters: ReturnType<typeof createParameters>): ProjectionQuery => ({
  at: parameters.read('at', parseMoment, 'a position, or a time as RFC 3339 writes it, like 2026-01-31T12:00:00Z'),
  after: parameters.read('after', parsePosition, 'a position'),
})

/** `at` and `after`. @throws ProblemError `projection-query-invalid` */
export function parseProjectionQuery(query: unknown): ProjectionQuery {
  const parameters = createParameters(query, ['at', 'after'])
  const moment = momentOf(parameters)
  parameters.assertValid()
  return moment
}

/** The same with `limit` and `cursor`. @throws ProblemError `projection-query-invalid` */
export function parseProjectionPageQuery(query: unknown): ProjectionPageQuery {
  const parameters = createParameters(query, ['at', 'after', 'limit', 'cursor'])
  const moment = momentOf(parameters)
  const limit = parameters.read('limit', parseLimit, `a whole number from 1 to ${largestLimit}`)
  const behind = parameters.read('cursor', parseCursor, 'not the cursor of a page')
  parameters.assertValid()
  return { ...moment, limit: limit ?? defaultLimit, behind }
}

function parseLimit(text: string): number | undefined {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= largestLimit ? limit : undefined
}

/** Where the next page begins: an id, in a form that says to leave it alone. */
export const cursorBehind = (id: string): string => Buffer.from(id).toString('base64url')

function parseCursor(text: string): string | undefined {
  const id = Buffer.from(text, 'base64url').toString()
  return id !== '' && !id.includes('\0') && cursorBehind(id) === text ? id : undefined
}
