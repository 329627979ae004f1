import { describe, expect, test } from 'vitest'
import { created, jsonMediaType, noContent, ok, renderResponse, type CommandResponse } from './response.ts'

describe('rendering a response', () => {
  test('a body is JSON with its media type', () => {
    expect(renderResponse(created({ order_id: 'o-1' }))).toEqual({
      status: 201,
      headers: { 'content-type': jsonMediaType },
      body: '{"order_id":"o-1"}',
    })
    expect(renderResponse(ok(null)).body).toBe('null')
    expect(renderResponse(ok([])).body).toBe('[]')
    expect(renderResponse(ok('ü')).body).toBe('"ü"')
  })

  test('without a body there is no media type', () => {
    expect(renderResponse(noContent())).toEqual({ status: 204, headers: {}, body: '' })
    expect(renderResponse(noContent({ etag: '"1"' }))).toEqual({ status: 204, headers: { etag: '"1"' }, body: '' })
  })

  test('headers are kept in lower case; a command may choose the media type', () => {
    const headers = { ETag: '"1"', 'Content-Type': 'application/vnd.order+json' }
    expect(renderResponse(ok({}, headers)).headers).toEqual({
      etag: '"1"',
      'content-type': 'application/vnd.order+json',
    })
    expect(renderResponse(ok({}), 'application/problem+json').headers['content-type']).toBe('application/problem+json')
  })

  test.each(
    [
      ['Location', 'Set-Cookie', 'Date', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Keep-Alive'],
      ['Idempotency-Key', 'Idempotency-Expires', 'Idempotent-Replayed', 'X-Request-Id'],
    ].flat(),
  )('%s is not for a command to set', (name) => {
    expect(() => renderResponse(ok({}, { [name]: 'x' }))).toThrow(TypeError)
    expect(() => renderResponse(ok({}, { [name]: 'x' }))).toThrow(name.toLowerCase())
  })

  // Recorded, such a response could never be sent: each replay would fail.
  test.each([
    ['a name with a space', { 'x y': 'v' }],
    ['a name with a colon', { 'x:y': 'v' }],
    ['an empty name', { '': 'v' }],
    ['a newline in the value', { 'x-note': 'a\r\nset-cookie: b' }],
    ['NUL in the value', { 'x-note': 'a\u0000' }],
    ['a value beyond Latin-1', { 'x-note': '漢字' }],
  ])('refuses a header that HTTP cannot carry: %s', (_case, headers) => {
    expect(() => renderResponse(ok({}, headers))).toThrow(TypeError)
  })

  test.each([0, 100, 101, 199, 600, 200.5, Number.NaN])('the status %d is none', (status) => {
    expect(() => renderResponse({ status })).toThrow(TypeError)
  })

  test.each([204, 205, 304])('the status %d has no body', (status) => {
    expect(() => renderResponse({ status, body: {} })).toThrow(`${status} has no body`)
    expect(renderResponse({ status })).toEqual({ status, headers: {}, body: '' })
  })

  test.each<CommandResponse>([{ status: 200 }, { status: 299 }, { status: 404, body: {} }, { status: 599 }])(
    'the status $status is one',
    (response) => {
      expect(renderResponse(response).status).toBe(response.status)
    },
  )
})
