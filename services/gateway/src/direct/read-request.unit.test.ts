import { describe, expect, test } from 'vitest'
import { readRequest, type Reading } from './read-request.ts'

const line = 'POST /api/order HTTP/1.1\r\n'
const body = '{"a":1}'
const maxBodyBytes = 100

const read = (text: string): Reading => readRequest(text, text.indexOf('\r\n'), maxBodyBytes)

const withHeaders = (...headers: readonly string[]): string => `${line}${headers.join('\r\n')}\r\n\r\n${body}`
const least = ['Host: x', 'Content-Type: application/json', 'Content-Length: 7'] as const

describe('an ordinary request', () => {
  test('has what a command needs', () => {
    const text = withHeaders(
      'host:\tshop.example ',
      'User-Agent: curl/8',
      'IDEMPOTENCY-KEY:  "k 1" \t',
      'Authorization: Bearer a',
      'prefer:wait=3',
      'traceparent: 00-1-2-01',
      'content-type: application/json; charset=utf-8',
      'X-Empty:',
      'X-Latin: \xe4\xff',
      'content-length: 7',
    )
    expect(read(text)).toEqual({
      kind: 'request',
      idempotencyKey: '"k 1"',
      authorization: 'Bearer a',
      prefer: 'wait=3',
      traceparent: '00-1-2-01',
      contentType: 'application/json; charset=utf-8',
      bodyAt: text.length - body.length,
      close: false,
    })
  })

  test('may say what becomes of its connection', () => {
    expect(read(withHeaders(...least, 'Connection: Keep-Alive'))).toMatchObject({ close: false })
    expect(read(withHeaders(...least, 'Connection: CLOSE'))).toMatchObject({ close: true })
  })

  test('is incomplete while its body is', () => {
    const whole = withHeaders(...least)
    for (let missing = 1; missing <= body.length; missing++)
      expect(read(whole.slice(0, -missing))).toEqual({ kind: 'incomplete' })
  })
})

describe('left to Node', () => {
  const without = (name: string): readonly string[] => least.filter((header) => !header.startsWith(name))
  test.each<[string, string]>([
    ['no host', withHeaders(...without('Host'))],
    ['two hosts', withHeaders(...least, 'host: y')],
    ['no type', withHeaders(...without('Content-Type'))],
    ['two types', withHeaders(...least, 'content-type: application/json')],
    ['no length', withHeaders(...without('Content-Length'))],
    ['two lengths', withHeaders(...least, 'content-length: 7')],
    ['two keys', withHeaders(...least, 'idempotency-key: a', 'Idempotency-Key: a')],
    ['two authorizations', withHeaders(...least, 'authorization: a', 'authorization: b')],
    ['two preferences', withHeaders(...least, 'prefer: wait=1', 'prefer: wait=2')],
    ['two traces', withHeaders(...least, 'traceparent: a', 'traceparent: b')],
    ['two connection headers', withHeaders(...least, 'connection: close', 'connection: keep-alive')],
    ['another connection option', withHeaders(...least, 'Connection: keep-alive, x')],
    ...[
      'Content-Encoding: gzip',
      'Expect: 100-continue',
      'HTTP2-Settings: AAMAAABk',
      'Origin: https://shop.example',
      'Proxy-Connection: close',
      'TE: trailers',
      'Trailer: x',
      'Transfer-Encoding: chunked',
      'Upgrade: h2c',
    ].map((header): [string, string] => [header, withHeaders(...least, header)]),
    ['a blank before the colon', withHeaders(...least, 'x : y')],
    ['a blank before the name', withHeaders(...least, ' x: y')],
    ['a folded header', withHeaders(...least, 'x: y', ' z')],
    ['no name', withHeaders(...least, ': y')],
    ['no colon', withHeaders(...least, 'x')],
    ['NUL in a value', withHeaders(...least, 'x: a\0b')],
    ['a bare line feed in a value', withHeaders(...least, 'x: a\nb: c')],
    ['a bare carriage return in a value', withHeaders(...least, 'x: a\rb')],
    ['DEL in a value', withHeaders(...least, 'x: a\x7fb')],
    ['lines without a carriage return', withHeaders(...least).replaceAll('\r\n', '\n')],
    ['a head that goes on', `${line}Host: x\r\n`],
    ['half of the last line', `${line}${least.join('\r\n')}\r\n\r`],
    ['a length with a sign', withHeaders(...without('Content-Length'), 'content-length: +7')],
    ['a length with a zero in front', withHeaders(...without('Content-Length'), 'content-length: 07')],
    ['a length in hexadecimal', withHeaders(...without('Content-Length'), 'content-length: 0x7')],
    ['no body', withHeaders(...without('Content-Length'), 'content-length: 0').slice(0, -body.length)],
    ['more than the body', `${withHeaders(...least)}G`],
    [
      'a body that is too large',
      withHeaders(...without('Content-Length'), `content-length: ${maxBodyBytes + 1}`).padEnd(400),
    ],
    ['too many headers', withHeaders(...least, ...Array.from({ length: 62 }, (_none, at) => `x-${at}: y`))],
    ['a large head', withHeaders(...least, `x: ${'y'.repeat(8_192)}`)],
  ])('%s', (_what, text) => {
    expect(read(text)).toBeUndefined()
  })
})
