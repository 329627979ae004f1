import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { resultHtml, runSiege } from '@holdfast/siege'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { describeWithBrowser, openPage } from '../support/browser.ts'

const hostile = `<img src=x onerror="parent.harmed=true"><script>parent.harmed=true</script>`

async function listen(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Looks at the report in a frame, and says what is there: the report itself forbids all scripts. */
const onlooker = `<!doctype html><iframe id="report" src="/report" width="1000" height="800"></iframe><script>
  document.getElementById('report').addEventListener('load', ({ target }) => {
    const report = target.contentDocument
    const charts = [...report.querySelectorAll('img.chart')].map((chart) => chart.naturalWidth)
    const evidence = [...report.querySelectorAll('details')].map((each) => each.textContent).join()
    fetch('/seen', { method: 'POST', body: JSON.stringify({
      title: report.title, charts, evidence, harmed: window.harmed === true, images: report.images.length,
      wide: report.documentElement.scrollWidth > 1000,
    }) })
  })
</script>`

interface Seen {
  readonly title: string
  readonly charts: readonly number[]
  readonly evidence: string
  readonly harmed: boolean
  readonly images: number
  readonly wide: boolean
}

describeWithBrowser('the HTML report in a browser', (browser) => {
  test('all charts are drawn, and what the target answered stays text', async () => {
    let number = 0
    await using target = await listen((request, response) => {
      request.resume().once('end', () => response.end(`${hostile}${number++}`))
    })
    const result = await runSiege({ url: target.url, body: '{"amount":5}', only: ['after-success', 'other-body'] })
    expect(result.verdict).toBe('fail')
    const html = await resultHtml(result)

    const seen: Seen[] = []
    await using pages = await listen((request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      if (request.url === '/report') response.end(html)
      else if (request.url === '/seen')
        text(request).then(
          (body) => {
            seen.push(JSON.parse(body) as Seen)
            response.end()
          },
          () => response.destroy(),
        )
      else response.end(onlooker)
    })
    await using _page = await openPage(browser, pages.url)
    await until(() => seen.length > 0, { what: 'the page was looked at', timeoutMs: 90_000 })
    const [found] = seen
    expect(found).toMatchObject({ title: `Siege of POST ${target.url}`, harmed: false, images: 4, wide: false })
    expect(found?.charts.every((width) => width > 100)).toBe(true)
    expect(found?.evidence).toContain(hostile)
  })
})
