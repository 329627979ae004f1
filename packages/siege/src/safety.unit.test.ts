import { describe, expect, test } from 'vitest'
import { createJournal } from './journal.ts'
import { resolveOptions } from './options.ts'
import { SiegeError, Stopped } from './siege-error.ts'
import { isLoopback, resolveTarget } from './target.ts'

describe('only loopback, unless the caller owns the target', () => {
  test.each(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1'])('%s is loopback', (address) => {
    expect(isLoopback(address)).toBe(true)
  })

  test.each(['0.0.0.0', '10.0.0.1', '126.255.255.255', '128.0.0.0', '::', '::2', '::ffff:10.0.0.1', 'fe80::1'])(
    '%s is not',
    (address) => {
      expect(isLoopback(address)).toBe(false)
    },
  )

  const resolve = (...addresses: readonly string[]) => ({
    iOwnThisTarget: false,
    resolve: async () => addresses,
    listens: async () => false,
  })

  test('all addresses of a name must be loopback', async () => {
    await expect(resolveTarget(new URL('http://shop.test'), resolve('127.0.0.1', '::1'))).resolves.toMatchObject({
      address: '127.0.0.1',
      port: 80,
      host: 'shop.test',
    })
    const mixed = resolveTarget(new URL('http://shop.test'), resolve('127.0.0.1', '192.0.2.1'))
    await expect(mixed).rejects.toMatchObject({ code: 'target-not-owned' })
    await expect(mixed).rejects.toThrow('shop.test (192.0.2.1) is not a loopback address')
    await expect(resolveTarget(new URL('http://shop.test'), resolve())).rejects.toMatchObject({
      code: 'target-unusable',
    })
  })

  test('of several addresses the one is taken on which somebody listens', async () => {
    const options = { ...resolve('::1', '127.0.0.1'), listens: async (address: string) => address === '127.0.0.1' }
    expect(await resolveTarget(new URL('http://localhost'), options)).toMatchObject({ address: '127.0.0.1' })
    const foreign = {
      ...options,
      ...resolve('127.0.0.1', '192.0.2.1'),
      listens: () => Promise.reject(new Error('asked')),
    }
    await expect(resolveTarget(new URL('http://localhost'), foreign), 'none is asked').rejects.toThrow('not a loopback')
  })

  test('addresses in every notation that a URL takes', async () => {
    for (const url of ['http://192.0.2.1', 'http://[2001:db8::1]', 'http://3221225985', 'http://0xc0.0.2.1']) {
      await expect(resolveTarget(new URL(url), { iOwnThisTarget: false }), url).rejects.toThrow('is not a loopback')
    }
    for (const url of ['http://[::1]:8080', 'http://2130706433', 'http://127.1']) {
      await expect(resolveTarget(new URL(url), { iOwnThisTarget: false }), url).resolves.toBeDefined()
    }
  })

  test('on the word of the owner, anything', async () => {
    const options = { ...resolve('192.0.2.1'), iOwnThisTarget: true }
    expect(await resolveTarget(new URL('https://shop.test:444/x'), options)).toMatchObject({ secure: true, port: 444 })
  })
})

describe('options', () => {
  test.each([
    [{ url: 'ftp://127.0.0.1' }, 'not an http or https URL'],
    [{ url: 'nothing' }, 'not an http or https URL'],
    [{ url: 'http://a:b@127.0.0.1' }, 'must not hold a user'],
    [{ url: 'http://127.0.0.1', requests: 0 }, 'requests is 0'],
    [{ url: 'http://127.0.0.1', maxTimeMs: 1.5 }, 'maxTimeMs is 1.5'],
    [{ url: 'http://127.0.0.1', maxTimeMs: 2 ** 31 }, 'from 1 to 2147483647'],
    [{ url: 'http://127.0.0.1', method: 'GE T' }, '"GE T" is no method'],
    [{ url: 'http://127.0.0.1', keyHeader: 'A\r\nB: c' }, 'is no header that can be given'],
    [
      { url: 'http://127.0.0.1', headers: { 'Content-Length': '3' } },
      '"Content-Length" is no header that can be given',
    ],
    [{ url: 'http://127.0.0.1', otherTenant: { a: 'x\ny' } }, 'the header a holds a character'],
    [{ url: 'http://127.0.0.1', key: '{{uuid}}\r\nX: y' }, 'the header Idempotency-Key holds a character'],
    [{ url: 'http://127.0.0.1', otherRoute: { method: 'POST', path: '/a b' } }, '"/a b" is no path'],
    [{ url: 'http://127.0.0.1', key: 'always' }, 'must hold {{uuid}} or {{n}}'],
    [{ url: 'http://127.0.0.1', body: '{{what}}' }, 'body holds {{what}}'],
    [{ url: 'http://127.0.0.1', headers: { a: '{{what}}' } }, 'a holds {{what}}'],
  ])('%j: %s', (options, message) => {
    expect(() => resolveOptions(options)).toThrow(message)
    expect(() => resolveOptions(options)).toThrow(SiegeError)
  })

  test("without a body it is the example application's order; with one, nothing of that is assumed", () => {
    const example = resolveOptions({ url: 'http://127.0.0.1:8080' })
    expect(example).toMatchObject({ method: 'POST', otherRoute: { path: '/charge' } })
    expect(example.url.href).toBe('http://127.0.0.1:8080/api/order')
    const own = resolveOptions({ url: 'http://127.0.0.1:8080', body: '{}' })
    expect(own.url.pathname).toBe('/')
    expect([own.refusalBody, own.otherRoute]).toEqual([undefined, undefined])
  })
})

describe('bounds', () => {
  const plan = resolveOptions({ url: 'http://127.0.0.1:1', maxRequests: 3, maxTimeMs: 60_000 })
  const answered = async () => ({ kind: 'cut', received: Buffer.alloc(0) }) as const

  test('no attempt beyond the bound, whatever is in flight', async () => {
    const journal = createJournal(plan, 1)
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => journal.attempt(answered)))
    expect(attempts.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(2)
    expect(journal.stopReason()).toBe('requests')
    expect(journal.signal.aborted).toBe(true)
    await expect(journal.attempt(answered)).rejects.toBeInstanceOf(Stopped)
    journal.close()
  })

  test('time ends it, and wakes whoever pauses', async () => {
    const journal = createJournal({ ...plan, maxTimeMs: 10 }, 1)
    await expect(journal.pause(60_000)).rejects.toMatchObject({ reason: 'time' })
    journal.close()
  })

  test('the caller ends it', async () => {
    const stop = new AbortController()
    const journal = createJournal({ ...plan, signal: stop.signal }, 1)
    const pause = journal.pause(60_000)
    stop.abort()
    await expect(pause).rejects.toMatchObject({ reason: 'interrupted' })
    journal.close()
  })
})
