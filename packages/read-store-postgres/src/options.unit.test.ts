import { expect, test } from 'vitest'
import { readStoreErrorOf } from './faults.ts'
import { resolveOptions } from './options.ts'

const url = 'postgres://user:secret@localhost/db'

test.each([
  [{ url: 'mysql://localhost' }, 'url must begin with postgres://'],
  [{ url, schema: 'Upper' }, 'schema is "Upper"'],
  [{ url, schema: 'a"; DROP TABLE x' }, 'schema is '],
  [{ url, schema: 'pg_own' }, 'schema is "pg_own"'],
  [{ url, schema: 'a'.repeat(64) }, 'at most 63'],
  [{ url, maxConnections: 0 }, 'maxConnections is 0'],
  [{ url, statementTimeoutMs: 1.5 }, 'statementTimeoutMs is 1.5'],
])('%j is refused with its name and value, and without the password', (given, message) => {
  expect(() => resolveOptions(given)).toThrow(RangeError)
  expect(() => resolveOptions(given)).toThrow(message)
  expect(() => resolveOptions(given)).not.toThrow('secret')
})

test('damage is told apart from what goes away', () => {
  const withCode = (code: string) => Object.assign(new Error('it says why'), { code })
  expect(readStoreErrorOf(withCode('XX001'))).toMatchObject({ code: 'corrupt', canRetry: false })
  for (const code of ['57P01', '53100', '40P01', 'ECONNRESET', '42501'])
    expect(readStoreErrorOf(withCode(code))).toMatchObject({ code: 'unavailable', canRetry: true })
  const failed = new AggregateError([
    new Error('connect ECONNREFUSED ::1'),
    new Error('connect ECONNREFUSED 127.0.0.1'),
  ])
  expect(readStoreErrorOf(failed).message).toBe('PostgreSQL: connect ECONNREFUSED ::1, connect ECONNREFUSED 127.0.0.1')
})
