import { describe, expect, test } from 'vitest'
import { errorCatalogue, isErrorCode, type ErrorCode, type ErrorEntry } from './errors.ts'

const entries = Object.entries(errorCatalogue) as [ErrorCode, ErrorEntry][]

describe('the error catalogue', () => {
  test.each(entries)('%s is complete and fit to be published', (code, entry) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(Number.isInteger(entry.status) && entry.status >= 400 && entry.status <= 599).toBe(true)
    expect(entry.title).toMatch(/^[A-Z].*[^.]$/)
    for (const text of [entry.meaning, entry.action]) {
      expect(text).toMatch(/^[A-Z`].*\.$/s)
      // Pages and problem documents are for callers: nothing of the machine, nothing to fill in later.
      expect(text).not.toMatch(/\/(home|work|tmp|usr)\/|localhost|TODO|undefined/)
    }
    expect(Object.keys(entry).sort()).toEqual(['action', 'meaning', 'retryable', 'status', 'title'])
  })

  test('titles are as unique as codes: a log line or a page is found by either', () => {
    const titles = entries.map(([, { title }]) => title)
    expect(new Set(titles).size).toBe(titles.length)
  })

  /** What clients are told to do, by status; a change here is a change of the contract. */
  test('what may be retried as it is, and what may not', () => {
    const retryable = entries.filter(([, entry]) => entry.retryable).map(([code]) => code)
    expect(retryable.toSorted()).toEqual([
      'command-in-progress',
      'internal',
      'overloaded',
      'projection-behind',
      'request-timeout',
      'too-many-consumers',
      'unavailable',
    ])
    for (const [code, { status, retryable: again }] of entries) {
      // 503 always may; of the 4xx only those where time alone changes the answer.
      if (status === 503) expect(again, code).toBe(true)
      if (status >= 400 && status < 500) expect([408, 409].includes(status) || !again, code).toBe(true)
    }
  })

  test('the statuses of the key draft: missing 400, reused 422, in progress 409', () => {
    expect(errorCatalogue['idempotency-key-missing'].status).toBe(400)
    expect(errorCatalogue['idempotency-key-invalid'].status).toBe(400)
    expect(errorCatalogue['idempotency-key-reused'].status).toBe(422)
    expect(errorCatalogue['command-in-progress'].status).toBe(409)
    expect(errorCatalogue['idempotency-key-expired'].status).toBe(410)
  })

  test('codes are told from other names', () => {
    for (const [code] of entries) expect(isErrorCode(code)).toBe(true)
    for (const name of ['', 'Unavailable', 'toString', 'constructor', '__proto__', 'out-of-stock']) {
      expect(isErrorCode(name)).toBe(false)
    }
  })
})
