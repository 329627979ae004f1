import { describe, expect, test } from 'vitest'
import { createIntent, quoted, wireRequest } from './intent.ts'
import { alteredBody, rewritten } from './json-variants.ts'
import { resolveOptions } from './options.ts'
import { createRandom } from './random.ts'
import { fill, unknownPlaceholders } from './template.ts'
import { requestBytes } from './transport/wire-request.ts'

const plan = resolveOptions({
  url: 'http://127.0.0.1:1/pay?x=1',
  headers: { 'X-Trace': 'trace-{{n}}' },
  body: '{"id":"{{uuid}}","n":{{n}},"key":"{{key}}"}',
})

describe('requests', () => {
  test('templates are filled in once per request: all its attempts are equal', () => {
    const intent = createIntent(plan, 3)
    const body = JSON.parse(intent.body ?? '') as Record<string, unknown>
    expect(body).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, n: 3, key: intent.key })
    expect(wireRequest(intent, plan)).toEqual(wireRequest(intent, plan))
    expect(wireRequest(intent, plan)).toMatchObject({ method: 'POST', path: '/pay?x=1', body: intent.body })
    expect(wireRequest(intent, plan).headers).toEqual([
      ['content-type', 'application/json'],
      ['X-Trace', 'trace-3'],
      ['Idempotency-Key', intent.key],
    ])
    expect(createIntent(plan, 4).key).not.toBe(intent.key)
  })

  test('a variation changes what it names: keys, a header, the route, the body', () => {
    const intent = createIntent(plan, 1)
    const headersOf = (keyValues: readonly string[]) =>
      wireRequest(intent, plan, { keyValues }).headers.filter(([name]) => name === 'Idempotency-Key')
    expect(headersOf([])).toEqual([])
    expect(headersOf(['a', 'b'])).toHaveLength(2)
    const varied = wireRequest(intent, plan, {
      headers: { 'x-trace': 'other' },
      route: { method: 'PUT', path: '/other' },
      body: undefined,
    })
    expect(varied).toMatchObject({ method: 'PUT', path: '/other', body: undefined })
    expect(varied.headers.filter(([name]) => name.toLowerCase() === 'x-trace')).toEqual([['x-trace', 'other']])
  })

  test('the bytes on the wire: one length, also where there is no body and one is expected', () => {
    const request = { method: 'POST', path: '/a', headers: [['A', 'b']] as const, body: 'ö' }
    expect(requestBytes(request, 'h:1').toString()).toBe(
      'POST /a HTTP/1.1\r\nHost: h:1\r\nA: b\r\nContent-Length: 2\r\n\r\nö',
    )
    expect(requestBytes({ ...request, body: undefined }, 'h').toString()).toContain('Content-Length: 0')
    expect(requestBytes({ ...request, method: 'DELETE', body: undefined }, 'h').toString()).not.toContain('Length')
  })

  test('a quoted key escapes what RFC 8941 has it escape', () => {
    expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"')
  })

  test('placeholders that do not exist are named', () => {
    expect(unknownPlaceholders('{{uuid}} {{n}} {{key}} {{nope}} {{ n }}')).toEqual(['{{nope}}', '{{ n }}'])
    expect(fill('{{n}}{{n}}', { uuid: 'u', n: 2, key: 'k' })).toBe('22')
  })
})

describe('bodies of the same and of another request', () => {
  test('written another way: other bytes, the same value', () => {
    const body = '{"a":1,"b":{"c":"text","d":[1,{"e":null,"f":true}]}}'
    const other = rewritten(body)
    expect(other).not.toBe(body)
    expect(JSON.parse(other ?? '')).toEqual(JSON.parse(body))
    expect(other?.indexOf('"b"')).toBeLessThan(other?.indexOf('"a"') ?? 0)
    expect(other).toContain('\\u0074ext')
    expect(rewritten('no json')).toBeUndefined()
    expect(rewritten('42')).toBeUndefined()
  })

  test.each([
    ['{"id":"x","quantity":2}', { id: 'x', quantity: 3 }],
    ['{"id":"x","list":[{"n":1}]}', { id: 'x', list: [{ n: 2 }] }],
    ['{"id":"x","on":true}', { id: 'xx', on: true }],
  ])('%s, changed', (body, other) => {
    expect(JSON.parse(alteredBody(body) ?? '')).toEqual(other)
  })

  test('nothing to change', () => {
    expect(alteredBody('{"on":true}')).toBeUndefined()
    expect(alteredBody('')).toBeUndefined()
  })
})

test('the same seed gives the same choices', () => {
  const take = (seed: number) => Array.from({ length: 50 }, createRandom(seed))
  expect(take(1)).toEqual(take(1))
  expect(take(1)).not.toEqual(take(2))
  for (const one of take(3)) expect(one >= 0 && one < 1).toBe(true)
})
