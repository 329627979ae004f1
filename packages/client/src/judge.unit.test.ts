import { errorCatalogue, problem, type ErrorCode } from '@holdfast/contracts'
import { describe, expect, test } from 'vitest'
import { judge } from './judge.ts'

const answer = (status: number, headers: Record<string, string> = {}, text = '') =>
  judge({ kind: 'answer', status, headers: new Headers(headers), text })

describe('what an answer means', () => {
  test.each(Object.keys(errorCatalogue) as ErrorCode[])('%s: again if the catalogue says so, else final', (code) => {
    const document = problem(code, { detail: 'd', instance: 'r' })
    const headers = { 'content-type': 'application/problem+json' }
    expect(answer(document.status, headers, JSON.stringify(document))).toMatchObject(
      document.retryable ? { kind: 'retry', cause: { code } } : { kind: 'refused', problem: { code } },
    )
  })

  test.each([
    [400, 'refused'],
    [404, 'refused'],
    [408, 'retry'],
    [418, 'refused'],
    [429, 'retry'],
    [500, 'retry'],
    [502, 'retry'],
    [599, 'retry'],
    [200, 'foreign'],
    [202, 'foreign'],
    [204, 'foreign'],
    [301, 'foreign'],
    [0, 'foreign'],
  ] as const)('%i of something else: %s', (status, kind) => {
    expect(answer(status)).toMatchObject({ kind })
    expect(
      answer(status, { 'content-type': 'application/problem+json' }, '{"broken'),
      'a broken document',
    ).toMatchObject({ kind })
  })

  test('what is recorded is the outcome, whatever its status; a 202 is followed', () => {
    const location = `/commands/${'0'.repeat(64)}`
    const headers = { location, 'idempotency-expires': '2026-11-25T03:38:32Z' }
    for (const status of [200, 201, 202, 204, 302, 404, 409, 500]) {
      expect(answer(status, headers)).toMatchObject({ kind: 'recorded', recorded: { status, replayed: false } })
    }
    expect(answer(201, { ...headers, 'idempotent-replayed': 'true' })).toMatchObject({ recorded: { replayed: true } })
    const json = { ...headers, 'content-type': 'application/json; charset=utf-8' }
    expect(answer(201, json, '{"a":1}')).toMatchObject({ recorded: { body: { a: 1 } } })
    expect(answer(201, json, '{"a":'), 'mangled on its way').toMatchObject({ kind: 'retry', mayHaveRun: true })
    expect(answer(202, { location, 'retry-after': '1' })).toMatchObject({ kind: 'follow', retryAfterMs: 1_000 })
  })
})
