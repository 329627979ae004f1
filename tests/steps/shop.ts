import { fileURLToPath } from 'node:url'
import { commandStreamPrefix, type EventStore, type RecordedEvent } from '@holdfast/core'
import { until } from '@holdfast/testing/processes'
import { expect } from 'vitest'
import { freshKey, type Api } from '../support/api.ts'
import type { ServiceNode } from '../support/distributed-node.ts'
import type { Client } from './client.ts'
import type { Crasher } from './crash-points.ts'
import type { Histories } from './evidence.ts'
import type { Providers } from './providers.ts'
import { apiKeys, operatorKey } from './tenants.ts'

/** The order service, running on either runtime, with its providers, and every process in the test's hand. */
export interface Shop extends AsyncDisposable {
  /** Over all gateways in turn. */
  readonly api: Api
  /** Everybody who orders: what they have seen is evidence. */
  readonly client: Client
  readonly providers: Providers
  readonly crasher: Crasher
  /** Processes that a fault may strike: gateways and handlers, or the one process that is both. */
  readonly nodes: readonly ServiceNode[]
  /** What the event store holds now. */
  histories(): Promise<Histories>
}

export const shopSettings = {
  HOLDFAST_APP: fileURLToPath(new URL('app.ts', import.meta.url)),
  HOLDFAST_API_KEYS: Object.entries(apiKeys)
    .map(([tenant, key]) => `${tenant}=${key}`)
    .join(),
  HOLDFAST_OPERATOR_KEYS: `olga=${operatorKey}`,
  // Nobody waits for it longer than he has to.
  HOLDFAST_COMPLETER_MS: '200',
  HOLDFAST_HISTORY_SWEEP_MS: '200',
} as const

const timeoutMs = 60_000

/** Waits until a process has died, and starts it again. Returns it. */
export async function recover({ nodes }: Pick<Shop, 'nodes'>): Promise<ServiceNode> {
  const died = nodes.map(async (node) => ({ node, exit: await node.process.exited }))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no process died in ${timeoutMs} ms`)), timeoutMs)
  })
  const { node, exit } = await Promise.race([...died, late]).finally(() => clearTimeout(timer))
  expect(exit, node.process.log.text()).toEqual({ code: null, signal: 'SIGKILL' })
  await node.start()
  return node
}

/** Puts stock of a product on the shelf that nobody has ordered yet. Returns its name. */
export async function stockUp({ api }: Pick<Shop, 'api'>, quantity: number): Promise<string> {
  const product = `p${freshKey().slice(0, 13)}`
  const json = { product_id: product, quantity }
  const key = `stock-${product}`
  await until(async () => (await api.post('/api/stock', { key, json, apiKey: apiKeys.alpha })).status === 201, {
    what: 'the stock',
    timeoutMs,
  })
  return product
}

/** Reads everything that was written about commands and stock. */
export async function readHistories(store: EventStore): Promise<Histories> {
  return {
    commands: await readStreams(store, commandStreamPrefix),
    inventory: await readStreams(store, 'inventory-'),
  }
}

async function readStreams(store: EventStore, prefix: string): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
  const streams = new Map<string, RecordedEvent[]>()
  const stop = new AbortController()
  for await (const batch of store.subscribe({ prefix, signal: stop.signal })) {
    for (const event of batch.events) {
      const name = event.stream.slice(prefix.length)
      const events = streams.get(name)
      if (events === undefined) streams.set(name, [event])
      else events.push(event)
    }
    if (batch.caughtUp) stop.abort()
  }
  return streams
}
