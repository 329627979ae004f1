import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { openConnection } from './connection.ts'
import { fire } from './volley.ts'

const body = '{"quantity":2}'

async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
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

describe('a connection', () => {
  test.each([
    [
      'of a known length',
      (text: string): RequestListener =>
        (_, response) =>
          response.setHeader('content-length', text.length).end(text),
    ],
    [
      'in chunks',
      (text: string): RequestListener =>
        (_, response) => {
          response.write(text.slice(0, 5))
          setImmediate(() => response.end(text.slice(5)))
        },
    ],
  ])('reads one answer after the other %s', async (_name, answer) => {
    await using server = await serve(answer('{"order":"0\\r\\n\\r\\n"}'))
    const connection = await openConnection(server.url)
    const request = `POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    for (let time = 0; time < 3; time++)
      expect(await connection.send(request)).toEqual({ status: 200, body: '{"order":"0\\r\\n\\r\\n"}' })
    connection.close()
  })
})

describe('a volley', () => {
  const listed = (keys: readonly string[]): (() => string | undefined) => {
    let at = 0
    return () => keys[at++]
  }

  test('sends each request once and tells keys whose answers differ', async () => {
    const seen: string[] = []
    await using server = await serve((request, response) => {
      const key = String(request.headers['idempotency-key'])
      seen.push(key)
      response.writeHead(key === 'refused' ? 409 : 201).end(key === 'twice' ? String(seen.length) : 'same')
    })
    const keys = ['once', 'twice', 'refused', 'twice', 'once', 'refused', 'once']
    const result = await fire({ url: server.url, path: '/', body, connections: 3, next: listed(keys) })
    expect(seen.sort()).toEqual([...keys].sort())
    expect(result).toMatchObject({ requests: 7, statuses: { 201: 5, 409: 2 }, keys: 3, keysWithSeveralBodies: 1 })
  })

  test('goes on when a connection breaks, and counts it', async () => {
    let requests = 0
    await using server = await serve((request, response) => {
      if (++requests === 2) request.socket.destroy()
      else response.end('ok')
    })
    const result = await fire({ url: server.url, path: '/', body, connections: 1, next: listed(['a', 'b', 'c']) })
    expect(result).toMatchObject({ requests: 2, statuses: { 200: 2, broken: 1 } })
  })
})
