import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { openFaultProxy, send } from './index.ts'

/** A server that counts, and a proxy before it, for one test. */
async function between(answer: RequestListener) {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await openFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return {
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('the fault proxy', () => {
  test('passes on request and answer as they are, and notes what came', async () => {
    await using kit = await between((request, response) => {
      request.pipe(response.writeHead(418, { 'X-Tea': 'yes' }))
    })
    const { proxy } = kit
    const answer = await send({ ...proxy, method: 'PUT', path: '/a?b', headers: { 'x-one': '1' }, body: 'hello' })
    expect(answer).toMatchObject({ status: 418, body: 'hello', headers: { 'x-tea': 'yes' } })
    expect(proxy.requests).toMatchObject([
      { method: 'PUT', path: '/a?b', headers: { 'x-one': '1' }, body: 'hello', fault: 'pass' },
    ])
  })

  test('each fault meets one request, in order, and then all pass', async () => {
    let served = 0
    await using kit = await between((_request, response) => {
      served += 1
      response.end('0123456789')
    })
    const { proxy } = kit
    const call = () => send({ ...proxy, path: '/', timeoutMs: 300 })
    proxy.plan([
      { kind: 'cut-request' },
      { kind: 'cut-answer', bytes: 0 },
      { kind: 'cut-answer', bytes: 4 },
      { kind: 'hold-answer' },
      { kind: 'answer', status: 502, headers: { 'retry-after': '3' }, body: 'bad gateway' },
    ])
    await expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(served, 'cut before the server').toBe(0)
    await expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(served, 'cut behind it').toBe(1)
    await expect(call(), 'cut within the body').rejects.toThrow()
    await expect(call()).rejects.toThrow('no answer')
    expect(served).toBe(3)
    expect(await call()).toMatchObject({ status: 502, body: 'bad gateway', headers: { 'retry-after': '3' } })
    expect(served, 'answered in between').toBe(3)
    expect((await call()).body).toBe('0123456789')
    expect(proxy.requests.map(({ fault }) => fault).at(-1)).toBe('pass')
  })

  test('a server that is not there is a reset, and another one can take its place', async () => {
    await using gone = await between((_request, response) => response.end('first'))
    await using other = await between((_request, response) => response.end('second'))
    gone.proxy.retarget('http://127.0.0.1:1')
    await expect(send({ ...gone.proxy, path: '/' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    gone.proxy.retarget(other.proxy.url)
    expect((await send({ ...gone.proxy, path: '/' })).body).toBe('second')
  })

  test('breaks connections in the middle of an endless answer', async () => {
    await using kit = await between((_request, response) => response.write('and so on'))
    const endless = send({ ...kit.proxy, path: '/' })
    endless.catch(() => undefined)
    const { proxy } = kit
    while (proxy.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    proxy.cutAll()
    await expect(endless).rejects.toThrow()
  })
})
