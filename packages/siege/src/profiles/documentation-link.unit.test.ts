import { describe, expect, test } from 'vitest'
import { documentationLink } from './documentation-link.ts'

const request = new URL('https://shop.test/api/pay')
const linkOf = (headers: Readonly<Record<string, string>>, body: unknown = '') =>
  documentationLink(
    { status: 400, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) },
    request,
  )?.href
const problem = { 'content-type': 'application/problem+json; charset=utf-8' }

describe('the documentation of an error', () => {
  test('is the type of a problem document', () => {
    expect(linkOf(problem, { type: '/problems/x' })).toBe('https://shop.test/problems/x')
    expect(linkOf(problem, { type: 'https://docs.test/x' })).toBe('https://docs.test/x')
  })

  test('is not there in other documents, in empty and in blank ones', () => {
    expect(linkOf({ 'content-type': 'application/json' }, { type: '/x' })).toBeUndefined()
    for (const body of [{ type: 'about:blank' }, { type: '' }, { type: 4 }, [], 'no json']) {
      expect(linkOf(problem, body)).toBeUndefined()
    }
    expect(linkOf(problem, { type: 'urn:problem:x' })).toBeUndefined()
  })

  test('is a Link that describes it', () => {
    expect(linkOf({ link: '</docs>; rel="describedby"; type="text/html"' })).toBe('https://shop.test/docs')
    expect(linkOf({ link: '</a>; rel=next, </b>; rel=describedby' })).toBe('https://shop.test/b')
    expect(linkOf({ link: '</a>; rel="next describedby"' })).toBe('https://shop.test/a')
    expect(linkOf({ link: '</a>; rel="next"; title="describedby"' })).toBeUndefined()
  })
})
