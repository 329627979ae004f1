import { expect, test } from 'vitest'
import { inSnapshot, preparing } from './query.ts'
import { DatabaseSync } from './sqlite.ts'

test('an error in a snapshot is told as it is, also where SQLite has ended the transaction because of it', () => {
  using database = new DatabaseSync(':memory:')
  const snapshot = inSnapshot(preparing(database))
  const fail = () => {
    database.exec('ROLLBACK')
    throw new Error('disk I/O error')
  }
  expect(() => snapshot(fail)).toThrow('disk I/O error')
  expect(() => snapshot(() => JSON.parse('{') as unknown)).toThrow(SyntaxError)
  expect(snapshot(() => 1)).toBe(1)
})
