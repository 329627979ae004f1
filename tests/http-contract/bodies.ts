import { describe, expect, test } from 'vitest'
import { anOrder, freshKey, jsonOf } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

/** The body: what is JSON that means one thing only, and what the command's schema takes. */
export function describeBodies({ serve }: Contract): void {
  describe('the body', () => {
    test.each<[string, string | Uint8Array]>([
      ['empty', ''],
      ['no JSON', 'product_id=abc'],
      ['cut off', '{"product_id":"abc","quantity":'],
      ['text behind the end', '{"product_id":"abc","quantity":2}}'],
      ['two values', '{"product_id":"abc","quantity":2}{}'],
      ['a trailing comma', '{"product_id":"abc","quantity":2,}'],
      ['single quotes', "{'product_id':'abc','quantity':2}"],
      ['a comment', '{"product_id":"abc","quantity":2/* two */}'],
      ['a leading zero', '{"product_id":"abc","quantity":02}'],
      ['NaN', '{"product_id":"abc","quantity":NaN}'],
      ['a byte order mark', '\ufeff{"product_id":"abc","quantity":2}'],
      ['a control character in a string', '{"product_id":"a\nb","quantity":2}'],
      ['a lone surrogate', '{"product_id":"\\ud800","quantity":2}'],
      ['a member twice', '{"product_id":"abc","quantity":1,"quantity":2}'],
      ['a member twice, once escaped', '{"product_id":"abc","quantity":1,"quan\\u0074ity":2}'],
      ['`__proto__`', '{"product_id":"abc","quantity":2,"__proto__":{"admin":true}}'],
      ['`__proto__`, escaped', '{"product_id":"abc","quantity":2,"\\u005f_proto__":{}}'],
      ['5,000 levels', nested(5_000)],
      ['100,000 levels of arrays', '['.repeat(100_000)],
      ['an integer beyond 2^53', '{"product_id":"abc","quantity":9007199254740993}'],
      ['a number beyond double precision', '{"product_id":"abc","quantity":1e400}'],
      ['a fraction that a double cannot carry', '{"product_id":"abc","quantity":0.1000000000000000055511151231257827}'],
      ['invalid UTF-8', Buffer.from('7b2270726f647563745f6964223a22ff222c227175616e74697479223a327d', 'hex')],
      [
        'an overlong UTF-8 form',
        Buffer.from('7b2270726f647563745f6964223a22c080222c227175616e74697479223a327d', 'hex'),
      ],
      ['UTF-16', Buffer.from(JSON.stringify(anOrder), 'utf16le')],
    ])('%s: 400 request-malformed, and the key stays free', async (_what, text) => {
      const { api } = await serve('standard')
      const key = freshKey()
      expectProblem(await api.post('/api/order', { key, text }), 'request-malformed')
      expectExecuted(await api.post('/api/order', { key, json: anOrder }))
    })

    test.each<[string, unknown, readonly string[]]>([
      ['a member is missing', { product_id: 'abc' }, ['quantity']],
      ['a member has the wrong type', { product_id: 7, quantity: 'two' }, ['product_id', 'quantity']],
      ['a member is out of range', { product_id: 'abc', quantity: -1 }, ['quantity']],
      ['a member is unknown', { ...anOrder, discount: 100 }, ['']],
      ['`constructor` as a member', { ...anOrder, constructor: {} }, ['']],
      ['an array', [anOrder], ['']],
      ['a string', 'abc', ['']],
      ['null', null, ['']],
    ])('%s: 400 request-invalid, each fault by its path, and the key stays free', async (_what, json, paths) => {
      const { api } = await serve('standard')
      const key = freshKey()
      const { issues = [] } = expectProblem(await api.post('/api/order', { key, json }), 'request-invalid')
      expect(issues.map((issue) => issue.path)).toEqual(paths)
      for (const issue of issues) expect(issue.message).not.toBe('')
      expectExecuted(await api.post('/api/order', { key, json: anOrder }))
    })

    test('faults deep inside are named by their whole path', async () => {
      const { api } = await serve('standard')
      const response = await api.post('/test/several', { key: freshKey(), json: { labels: ['a', 1] } })
      expect(expectProblem(response, 'request-invalid').issues?.map((issue) => issue.path)).toEqual(['labels.1'])
    })

    test('no body at all: 400 request-invalid', async () => {
      const { api } = await serve('standard')
      expectProblem(await api.post('/api/order', { key: freshKey() }), 'request-invalid')
    })

    test.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/xml',
      'application/json; charset=iso-8859-1',
      'application/json; charset=utf-16',
      'multipart/form-data; boundary=x',
      'nonsense',
    ])('content type %s: 415, and the key stays free', async (contentType) => {
      const { api } = await serve('standard')
      const key = freshKey()
      const text = JSON.stringify(anOrder)
      const response = await api.post('/api/order', { key, text, contentType })
      expectProblem(response, 'content-type-unsupported')
      expectExecuted(await api.post('/api/order', { key, json: anOrder }))
    })

    test('a content coding: 415, and the key stays free', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const [text, contentType] = [JSON.stringify(anOrder), 'application/json']
      const coded = await api.post('/api/order', { key, text, contentType, headers: { 'content-encoding': 'gzip' } })
      expectProblem(coded, 'content-type-unsupported')
      const headers = { 'content-encoding': 'Identity' }
      expectExecuted(await api.post('/api/order', { key, text, contentType, headers }))
    })

    test('a body without a content type: 415', async () => {
      const { api } = await serve('standard')
      const text = JSON.stringify(anOrder)
      const response = await api.post('/api/order', { key: freshKey(), text, contentType: null })
      expectProblem(response, 'content-type-unsupported')
    })

    test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="UTF-8"'])(
      'content type %s is taken',
      async (contentType) => {
        const { api } = await serve('standard')
        const text = JSON.stringify(anOrder)
        expectExecuted(await api.post('/api/order', { key: freshKey(), text, contentType }))
      },
    )

    test('reordered members, white space and other spellings of the same values are the same request', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/test/echo', { key, text: '{"a":1,"b":{"x":"é","y":[1.5,true,null]}}' })
      expectExecuted(first)
      const spellings = [
        '{"b":{"y":[1.5,true,null],"x":"é"},"a":1}',
        '\n{ "b" :\t{ "y": [ 15e-1 , true , null ], "x": "\\u00e9" } , "a": 1.0 }\r\n',
      ]
      for (const text of spellings) expectReplay(await api.post('/test/echo', { key, text }), first)
    })

    test.each([
      ['another value', '{"a":2}'],
      ['another type', '{"a":"1"}'],
      ['a further member', '{"a":1,"b":null}'],
      ['another name', '{"A":1}'],
      ['an array order', '{"a":[2,1]}'],
    ])('%s is another request', async (what, text) => {
      const { api } = await serve('standard')
      const key = freshKey()
      const firstText = what === 'an array order' ? '{"a":[1,2]}' : '{"a":1}'
      expectExecuted(await api.post('/test/echo', { key, text: firstText }))
      expectProblem(await api.post('/test/echo', { key, text }), 'idempotency-key-reused')
    })

    test('what JSON carries arrives as it was sent: large integers, unicode, 100 levels, odd names', async () => {
      const { api } = await serve('standard')
      const sent = {
        integer: 9_007_199_254_740_991,
        fraction: 0.1,
        small: 5e-324,
        text: '🦊 \u0000 \u2028 "\\/',
        prototype: 1,
        toString: 'x',
        '': 'empty name',
        deep: JSON.parse(nested(100)) as unknown,
      }
      const response = await api.post('/test/echo', { key: freshKey(), json: sent })
      expectExecuted(response)
      expect(jsonOf(response)['input']).toEqual(sent)
    })
  })
}
