import { createClient, routesOf, type ClientOptions, type RetryOptions, type RetryNotice } from '@holdfast/client'
import { openFaultProxy, type Fault } from '@holdfast/testing/http'
import { app } from '../apps/contract.ts'
import { startEmbedded } from '../support/embedded.ts'
import { apps } from '../support/paths.ts'
import type { TestServer } from '../support/server.ts'

/** Short pauses, so that a test takes no longer than what it waits for. */
const quick: Partial<RetryOptions> = {
  initialDelayMs: 5,
  maxDelayMs: 50,
  attemptTimeoutMs: 15_000,
  totalTimeoutMs: 60_000,
}

export interface KitOptions {
  readonly retry?: Partial<RetryOptions>
  readonly apiKey?: ClientOptions['apiKey']
  readonly faults?: readonly Fault[]
}

/** A gateway for the tests of one file. */
export const startGateway = (env: Readonly<Record<string, string>> = {}): Promise<TestServer> =>
  startEmbedded({ app: apps.contract, env: { HOLDFAST_CLOCK_SKEW_MS: '0', ...env } })

/** A client whose requests go through a proxy of their own. */
export async function connect(server: { readonly urls: readonly string[] }, options: KitOptions = {}) {
  const proxy = await openFaultProxy(server.urls[0] ?? '')
  proxy.plan(options.faults ?? [])
  const retries: RetryNotice[] = []
  const client = createClient<typeof app>({
    baseUrl: proxy.url,
    routes: routesOf(app),
    retry: { ...quick, ...options.retry },
    onRetry: (notice) => retries.push(notice),
    ...(options.apiKey !== undefined && { apiKey: options.apiKey }),
  })
  /** The keys that were sent, each once. */
  const keys = (): readonly unknown[] => [
    ...new Set(
      proxy.requests.filter(({ method }) => method !== 'GET').map(({ headers }) => headers['idempotency-key']),
    ),
  ]
  const posts = (): number => proxy.requests.filter(({ method }) => method !== 'GET').length
  return { client, proxy, retries, keys, posts, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() }
}

/** A problem document as a gateway, or something that speaks for one, answers it. */
export const problemAnswer = (
  status: number,
  code: string,
  { retryable, headers = {} }: { readonly retryable: boolean; readonly headers?: Readonly<Record<string, string>> },
): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: JSON.stringify({
    type: `/problems/${code}`,
    title: code,
    status,
    detail: 'as planned',
    instance: 'planned-request',
    retryable,
  }),
})

/** An answer of something that is no gateway. */
export const pageAnswer = (status: number, headers: Readonly<Record<string, string>> = {}): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body: '<h1>not the gateway</h1>',
})

/** What a call ended with: its value or its error. */
export const endOf = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    return await call
  } catch (error) {
    return error
  }
}
