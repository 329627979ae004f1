import { describe, expect, test } from 'vitest'
import { headers, problemMediaType } from './headers.ts'

describe('header names', () => {
  test('are in lower case, as Node delivers them, and each stands for itself', () => {
    for (const name of Object.values(headers)) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(new Set(Object.values(headers)).size).toBe(Object.keys(headers).length)
    expect(headers.idempotencyKey).toBe('idempotency-key')
  })

  test('problems have the media type of RFC 9457', () => {
    expect(problemMediaType).toBe('application/problem+json')
  })
})
