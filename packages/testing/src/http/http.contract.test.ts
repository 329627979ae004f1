import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { cutAfterSend, cutDuringRead, cutWhileSending, parseAnswers, requestBytes, send, sendRaw } from './index.ts'

/** A server on a free port, for one test. */
async function serve(answer: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('send', () => {
  test('sends what it was given, byte for byte, and reads what came', async () => {
    await using server = await serve((request, response) => {
      response.setHeader('X-Twice', ['a', 'b'])
      response.end(JSON.stringify({ method: request.method, url: request.url, raw: request.rawHeaders }))
    })
    const headers = { 'Idempotency-Key': ['one', 'two'], 'content-type': 'application/json' }
    const response = await send({ ...server, method: 'PUT', path: '/a/%2e%2E/b?c#', headers, body: 'ö' })
    const seen = JSON.parse(response.body) as { method: string; url: string; raw: string[] }
    expect(seen).toMatchObject({ method: 'PUT', url: '/a/%2e%2E/b?c#' })
    expect(seen.raw.filter((part) => part === 'Idempotency-Key')).toHaveLength(2)
    expect(seen.raw[seen.raw.indexOf('content-length') + 1]).toBe('2')
    expect(response.headers['x-twice']).toBe('a, b')
    expect(response.bytes.toString()).toBe(response.body)
  })

  test('fails with the socket’s error, and when nothing comes in time', async () => {
    await using server = await serve((request) => {
      if (request.url === '/reset') request.socket.resetAndDestroy()
    })
    await expect(send({ ...server, path: '/reset' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(send({ ...server, path: '/silent', timeoutMs: 50 })).rejects.toThrow(
      'no answer to GET /silent in 50 ms',
    )
  })
})

describe('sendRaw', () => {
  test('tells a connection that the server closes from one that it leaves open', async () => {
    await using server = await serve((_request, response) => response.end('hello'))
    const closing = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
    const closed = await sendRaw({ ...server, bytes: closing })
    expect(closed.closed).toBe(true)
    const open = await sendRaw({ ...server, bytes: 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', timeoutMs: 100 })
    expect(open.closed).toBe(false)
    expect(parseAnswers(open.bytes).map((answer) => answer.body)).toEqual(['hello'])
  })

  test('reads several answers out of one connection', () => {
    const one = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nA: b: c\r\n\r\n${body}`
    const answers = parseAnswers(Buffer.from(`${one('first')}${one('')}${one('third')}HTTP/1.1 500`))
    expect(answers.map((answer) => answer.body)).toEqual(['first', '', 'third'])
    expect(answers[0]?.headers['a']).toBe('b: c')
  })
})

describe('connections that break', () => {
  test('after the whole request has been sent', async () => {
    const arrived = Promise.withResolvers<string>()
    await using server = await serve((request) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        arrived.resolve(body)
      })
    })
    await cutAfterSend({ ...server, method: 'POST', path: '/', body: 'all of it' })
    expect(await arrived.promise).toBe('all of it')
  })

  test('within the request', async () => {
    const gone = Promise.withResolvers<boolean>()
    await using server = await serve((request) => {
      request.on('error', () => {
        gone.resolve(request.complete)
      })
    })
    const request = { ...server, method: 'POST', path: '/', body: 'all of it' }
    await cutWhileSending(request, requestBytes(request).length - 1)
    expect(await gone.promise).toBe(false)
  })

  test('within the answer', async () => {
    const broken = Promise.withResolvers<boolean>()
    const body = Buffer.alloc(20_000_000)
    await using server = await serve((_request, response) => {
      response.on('close', () => {
        broken.resolve(response.writableFinished)
      })
      response.end(body)
    })
    expect(await cutDuringRead({ ...server, path: '/' })).toBeLessThan(body.length)
    expect(await broken.promise).toBe(false)
  })
})
