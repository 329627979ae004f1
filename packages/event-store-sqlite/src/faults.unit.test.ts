import { EventStoreError } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { eventStoreErrorOf } from './fault-error.ts'
import { FaultError, faultOf } from './faults.ts'

const sqliteError = (errcode: number): Error => Object.assign(new Error('from SQLite'), { errcode })
const path = '/data/events.sqlite'

/** https://www.sqlite.org/rescode.html */
const codes = {
  busy: 5,
  nomem: 7,
  ioerrWrite: 778,
  ioerrFsync: 1034,
  corrupt: 11,
  corruptIndex: 779,
  full: 13,
  notADb: 26,
}

describe('what an error of SQLite means', () => {
  test.each([
    { name: 'busy', code: 'unavailable' },
    { name: 'nomem', code: 'unavailable' },
    { name: 'ioerrWrite', code: 'unavailable' },
    { name: 'ioerrFsync', code: 'unavailable' },
    { name: 'full', code: 'unavailable' },
    { name: 'corrupt', code: 'corrupt' },
    { name: 'corruptIndex', code: 'corrupt' },
    { name: 'notADb', code: 'corrupt' },
  ] as const)('before the commit: $name is $code', ({ name, code }) => {
    expect(faultOf(sqliteError(codes[name]), { path }).code).toBe(code)
  })

  test.each([
    { name: 'full', code: 'unavailable' },
    { name: 'ioerrWrite', code: 'unavailable' },
    { name: 'ioerrFsync', code: 'unknown-outcome' },
    { name: 'nomem', code: 'unknown-outcome' },
    { name: 'corrupt', code: 'unknown-outcome' },
  ] as const)('in the commit: $name is $code', ({ name, code }) => {
    expect(faultOf(sqliteError(codes[name]), { path, duringCommit: true }).code).toBe(code)
  })

  test('the message names the file, and what to do when it is damaged or there is no room', () => {
    expect(faultOf(sqliteError(codes.corrupt), { path }).message).toMatch(
      /\/data\/events\.sqlite.*restore the last backup/,
    )
    expect(faultOf(sqliteError(codes.full), { path }).message).toMatch(/\/data\/events\.sqlite.*make room/)
  })

  test('an error that says by itself what it means keeps that, with its cause', () => {
    const fault = new FaultError('corrupt', 'as it says')
    expect(eventStoreErrorOf(fault, path)).toMatchObject({ code: 'corrupt', message: 'as it says', cause: fault })
    const error = new EventStoreError('closed', 'as it is')
    expect(eventStoreErrorOf(error, path)).toBe(error)
  })
})
