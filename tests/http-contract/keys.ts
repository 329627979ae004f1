import { describe, expect, test } from 'vitest'
import { anOrder, freshKey } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay, statusOf } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** `Idempotency-Key`: what is one, and what is the same one. */
export function describeKeys({ serve }: Contract): void {
  describe('the idempotency key', () => {
    test('missing: 400, and nothing is executed', async () => {
      const { api } = await serve('standard')
      const response = await api.post('/api/order', { json: anOrder })
      const { detail } = expectProblem(response, 'idempotency-key-missing')
      expect(detail).toContain('POST /api/order')
      expect(response.headers['location']).toBeUndefined()
    })

    test.each([
      ['empty', ''],
      ['only spaces', '   '],
      ['an empty quoted string', '""'],
      ['256 characters', 'k'.repeat(256)],
      ['256 characters, quoted', `"${'k'.repeat(256)}"`],
      ['with a space inside', 'a b'],
      ['with a tab inside', 'a\tb'],
      ['not ASCII', 'schlüssel'],
      ['an open quote', '"abc'],
      ['text behind the closing quote', '"abc"def'],
      ['parameters behind the string', '"abc";a=1'],
      ['an unknown escape', '"a\\bc"'],
    ])('%s: 400', async (_what, key) => {
      const { api } = await serve('standard')
      expectProblem(await api.post('/api/order', { key, json: anOrder }), 'idempotency-key-invalid')
    })

    test.each([
      ['different', () => [freshKey(), freshKey()]],
      ['the same', () => Array<string>(2).fill(freshKey())],
      ['quoted', () => [`"${freshKey()}"`, `"${freshKey()}"`]],
    ])('two headers, %s: 400, and neither key is used up', async (_what, keysOf) => {
      const { api } = await serve('standard')
      const keys = keysOf()
      expectProblem(await api.post('/api/order', { key: keys, json: anOrder }), 'idempotency-key-invalid')
      for (const key of keys)
        expectProblem(await api.get(`/idempotency-keys/${encodeURIComponent(key)}`), 'idempotency-key-not-found')
    })

    test('255 characters, bare and quoted, of all that is visible in ASCII', async () => {
      const { api } = await serve('standard')
      const visible = String.fromCharCode(...Array.from({ length: 94 }, (_, at) => 0x21 + at)).replace('"', '')
      const key = `${freshKey()}${visible}`.padEnd(255, '~')
      const first = await api.post('/api/order', { key, json: anOrder })
      expectExecuted(first)
      const quoted = `"${key.replaceAll('\\', '\\\\')}"`
      expectReplay(await api.post('/api/order', { key: quoted, json: anOrder }), first)
      const found = await api.get(`/idempotency-keys/${encodeURIComponent(key)}`)
      expect(statusOf(found).response?.body).toBe(first.body)
    })

    test('a quoted key and the bare text inside it are the same key; each is echoed as it was sent', async () => {
      const { api } = await serve('standard')
      const key = freshKey()
      const first = await api.post('/api/order', { key: `"${key}"`, json: anOrder })
      expectExecuted(first)
      expect(first.headers['idempotency-key']).toBe(`"${key}"`)
      const bare = await api.post('/api/order', { key, json: anOrder })
      expectReplay(bare, first)
      expect(bare.headers['idempotency-key']).toBe(key)
      expectReplay(await api.post('/api/order', { key: `  ${key}  `, json: anOrder }), first)
    })

    test('keys that look alike are not: upper case, a trailing character', async () => {
      const { api } = await serve('standard')
      const key = `key-${freshKey()}`
      const responses = [key, key.toUpperCase(), `${key}.`].map((one) =>
        api.post('/api/order', { key: one, json: anOrder }),
      )
      const bodies = new Set<string>()
      for (const response of await Promise.all(responses)) {
        expectExecuted(response)
        bodies.add(response.body)
      }
      expect(bodies.size).toBe(3)
    })

    test.each(['../../etc/passwd', 'command-', '$all', '$$x', "a'b;--", '%00', '{"a":1}', 'PUT%20/api/orders/1'])(
      'a hostile key is a key like any other: %s',
      async (text) => {
        const { api } = await serve('standard')
        const key = `${text}${freshKey()}`
        const first = await api.post('/api/order', { key, json: anOrder })
        expectExecuted(first)
        expectReplay(await api.post('/api/order', { key, json: anOrder }), first)
        const found = await api.get(`/idempotency-keys/${encodeURIComponent(key)}`)
        expect(statusOf(found).response?.body).toBe(first.body)
      },
    )

    test('a key that was never used cannot be looked up', async () => {
      const { api } = await serve('standard')
      expectProblem(await api.get(`/idempotency-keys/${freshKey()}`), 'idempotency-key-not-found')
      expectProblem(await api.get(`/commands/${'0'.repeat(64)}`), 'command-not-found')
      expectProblem(await api.get('/commands/not-an-id'), 'command-not-found')
    })
  })
}
