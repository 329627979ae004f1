import { createClient, HoldfastProblem } from '@holdfast/client'
import type { app } from '../apps/contract.ts'

/** Runs in the browser: what the page did, told to the test as JSON. */

interface PageConfig {
  readonly baseUrl: string
  readonly apiKey: string
}

const order = { product_id: 'abc', quantity: 2 }

async function useClient({ baseUrl, apiKey }: PageConfig): Promise<Record<string, unknown>> {
  const retry = { initialDelayMs: 5, maxDelayMs: 50 }
  const client = createClient<typeof app>({ baseUrl, apiKey, retry })
  const placed = await client.send('POST /api/order', order)
  const again = await client.send('POST /api/order', order, { key: placed.key })
  const rejected = await client.send('POST /api/order', { ...order, quantity: 5_000 })
  const put = await client.send('PUT /api/orders/{order_id}', { ...order, order_id: placed.key })

  await fetch('/cut-the-next-answer', { method: 'POST' })
  const cut = await client.send('POST /api/order', order)

  const followed = await client.send('POST /test/slow', { label: 'page', ms: 300 }, { waitMs: 0 })
  const found = await client.lookUpKey(placed.key)

  const stranger = createClient<typeof app>({ baseUrl, apiKey: 'somebody-else-0123456789', retry })
  const refused = await stranger.send('POST /api/order', order).catch((error: unknown) => error)

  const results: string[] = []
  const stop = new AbortController()
  await client.consumeResults({
    signal: stop.signal,
    onResult(result) {
      results.push(result.subject)
      if (result.subject === followed.commandId) stop.abort()
    },
  })
  return {
    placed,
    again,
    rejected,
    put,
    cut,
    followed,
    found,
    refused: refused instanceof HoldfastProblem ? refused.code : String(refused),
    results,
  }
}

const config = (await (await fetch('/config')).json()) as PageConfig
const report = await useClient(config).catch((error: unknown) => ({
  error: error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error),
}))
await fetch('/report', { method: 'POST', body: JSON.stringify(report) })
