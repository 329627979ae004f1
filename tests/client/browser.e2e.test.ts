import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { openFaultProxy } from '@holdfast/testing/http'
import { expect, test } from 'vitest'
import { describeWithBrowser, openPage } from '../support/browser.ts'
import { browserModule, importMap } from './browser-modules.ts'
import { startGateway } from './kit.ts'

const apiKey = 'acme-key-0123456789'
const page = `<!doctype html><title>Holdfast</title>
<script type="importmap">${JSON.stringify({ imports: importMap })}</script>
<script type="module" src="/tests/client/browser-page.ts"></script>`

type Handle = (request: IncomingMessage, body: string) => Promise<readonly [type: string, body: string]>

/** A server on a free port, for the page. */
async function serve(handle: Handle): Promise<AsyncDisposable & { readonly url: string }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const [type, body] = await handle(request, await text(request))
      response.writeHead(200, { 'content-type': type }).end(body)
    } catch (error) {
      response.writeHead(404).end(String(error))
    }
  }
  const server = createServer((request, response) => void answer(request, response))
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

describeWithBrowser('the client in a browser', (browser) => {
  test('a page of another origin sends, replays, is refused, is cut off, follows and consumes', async () => {
    const reported = Promise.withResolvers<string>()
    let config = ''
    let cut = (): void => undefined
    await using site = await serve(async ({ url = '' }, body) => {
      switch (url) {
        case '/':
          return ['text/html', page]
        case '/config':
          return ['application/json', config]
        case '/cut-the-next-answer':
          cut()
          return ['text/plain', '']
        case '/report':
          reported.resolve(body)
          return ['text/plain', '']
        default:
          return ['text/javascript', await browserModule(url)]
      }
    })
    await using server = await startGateway({
      HOLDFAST_CORS_ORIGINS: site.url,
      HOLDFAST_API_KEYS: `acme=${apiKey}`,
    })
    await using proxy = await openFaultProxy(server.urls[0] ?? '')
    cut = () => {
      proxy.plan([{ kind: 'cut-answer', bytes: 0 }])
    }
    config = JSON.stringify({ baseUrl: proxy.url, apiKey })

    await using opened = await openPage(browser, site.url)
    const timer = setTimeout(() => {
      reported.reject(new Error(`the page has not reported\n${opened.output()}`))
    }, 120_000)
    const report = JSON.parse(await reported.promise) as Record<string, Record<string, unknown>>
    clearTimeout(timer)

    expect(report['error']).toBeUndefined()
    const { placed = {}, again, rejected, put, cut: cutOff = {}, followed = {}, found, refused, results } = report
    expect(placed).toMatchObject({ kind: 'succeeded', attempts: 1, replayed: false, body: { status: 'confirmed' } })
    expect(placed['commandId']).toMatch(/^[0-9a-f]{64}$/)
    expect(Date.parse(String(placed['expiresAt']))).toBeGreaterThan(Date.now())
    expect(again).toMatchObject({ kind: 'succeeded', replayed: true, body: placed['body'] })
    expect(rejected).toMatchObject({ kind: 'rejected', refusal: { code: 'quantity-too-large', limit: 1_000 } })
    expect(put).toMatchObject({ kind: 'succeeded', status: 201 })
    expect(cutOff).toMatchObject({ kind: 'succeeded', replayed: true })
    expect(await server.events(String(cutOff['commandId'])), 'one effect').toHaveLength(1)
    expect(followed).toMatchObject({ kind: 'succeeded', attempts: 1, replayed: false, body: { label: 'page' } })
    expect(found).toMatchObject({ command_id: placed['commandId'], state: 'succeeded' })
    expect(refused).toBe('unauthenticated')
    const preflights = proxy.requests.filter(({ method, path }) => method === 'OPTIONS' && path === '/api/order')
    expect(preflights, 'the browser keeps the answer').toHaveLength(1)
    expect(results).toEqual(expect.arrayContaining([placed['commandId'], cutOff['commandId'], followed['commandId']]))
  })
})
