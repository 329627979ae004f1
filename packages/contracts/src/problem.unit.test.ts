import { describe, expect, test } from 'vitest'
import { errorCatalogue, type ErrorCode } from './errors.ts'
import { problem, problemFrom, problemPath, problemSchema } from './problem.ts'

const codes = Object.keys(errorCatalogue) as ErrorCode[]

describe('problem documents', () => {
  test.each(codes)('%s: says what the catalogue says, and passes the published schema', (code) => {
    const document = problem(code, { detail: 'This time.', instance: 'r-1' })
    const { status, title, retryable } = errorCatalogue[code]
    expect(document).toEqual({
      type: `/problems/${code}`,
      title,
      status,
      detail: 'This time.',
      instance: 'r-1',
      retryable,
    })
    expect(problemSchema.parse(document)).toEqual(document)
    expect(JSON.parse(JSON.stringify(document))).toEqual(document)
  })

  test('lists the faults of the input by their path', () => {
    const issues = [
      { path: 'quantity', message: 'too small' },
      { path: 'lines.0.sku', message: 'missing' },
      { path: '', message: 'not an object' },
    ]
    const document = problem('request-invalid', { detail: 'x', instance: 'r-1', issues })
    expect(document.issues).toEqual(issues)
    expect(problemSchema.parse(document)).toEqual(document)
    expect(problem('request-invalid', { detail: 'x', instance: 'r-1' })).not.toHaveProperty('issues')
  })

  test("an application's refusals look the same", () => {
    const entry = { title: 'Out of stock', status: 409, retryable: false }
    const document = problemFrom('out-of-stock', entry, { detail: 'None left.', instance: 'r-1' })
    expect(document).toMatchObject({ type: problemPath('out-of-stock'), ...entry })
    expect(problemSchema.parse({ ...document, left: 0 })).toEqual({ ...document, left: 0 })
  })

  test.each(['type', 'title', 'status', 'detail', 'instance', 'retryable'])('without %s it is none', (member) => {
    const document: Record<string, unknown> = { ...problem('internal', { detail: 'x', instance: 'r-1' }) }
    Reflect.deleteProperty(document, member)
    expect(problemSchema.safeParse(document).success).toBe(false)
  })

  test.each([{ status: '503' }, { status: 503.5 }, { retryable: 'yes' }, { issues: [{ path: 1, message: 'x' }] }])(
    'nor with %j',
    (wrong) => {
      const document = { ...problem('internal', { detail: 'x', instance: 'r-1' }), ...wrong }
      expect(problemSchema.safeParse(document).success).toBe(false)
    },
  )
})
