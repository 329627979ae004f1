import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { HttpRequest, HttpResponse } from '@holdfast/testing/http'
import type { Api } from '../support/api.ts'
import { isRecorded, type Attempt, type Order } from './evidence.ts'
import { apiKeys, type TenantName } from './tenants.ts'

export interface AttemptOptions {
  readonly prefer?: string
  /** Sends the key with another quantity. */
  readonly misused?: boolean
  /** Default: the next one. */
  readonly gateway?: number
}

/** Clients of the shop. Everything that they see is noted. */
export interface Client {
  readonly attempts: readonly Attempt[]
  /** One attempt; undefined when the connection broke. */
  attempt(order: Order, options?: AttemptOptions): Promise<HttpResponse | undefined>
  /** Sends an attempt whole, and cuts the socket without waiting for the answer. False when nobody was there. */
  cut(order: Order): Promise<boolean>
  /**
   * Attempt after attempt until there is the outcome.
   *
   * @throws Error when there is none in two minutes: a dead key
   */
  persist(order: Order, options?: AttemptOptions): Promise<HttpResponse>
}

const againAfterMs = 50
const patienceMs = 120_000

export function createClient(api: Api): Client {
  const attempts: Attempt[] = []
  let places = 0

  const requestOf = (order: Order, { misused = false, prefer, gateway }: AttemptOptions): HttpRequest =>
    api.request('POST', '/api/order', {
      key: order.key,
      apiKey: apiKeys[order.tenant as TenantName],
      json: { product_id: order.product, quantity: order.quantity + (misused ? 1 : 0) },
      ...(prefer !== undefined && { prefer }),
      ...(gateway !== undefined && { gateway }),
    })

  const begin = (order: Order, misused: boolean): ((seen: Attempt['seen']) => void) => {
    const sentAt = places++
    return (seen) => void attempts.push({ order, misused, sentAt, endedAt: places++, seen })
  }

  const attempt: Client['attempt'] = async (order, options = {}) => {
    const end = begin(order, options.misused === true)
    const { url, method = '', path, headers, body } = requestOf(order, options)
    try {
      const response = await api.call(method, path, {
        ...(body !== undefined && { text: body }),
        ...(headers && { headers }),
        gateway: api.urls.indexOf(url),
      })
      const { status, body: text, headers: received } = response
      end({ kind: 'answer', response: { status, body: text, headers: received } })
      return response
    } catch (error) {
      end({ kind: 'broken', code: (error as NodeJS.ErrnoException).code ?? String(error) })
      return undefined
    }
  }

  return {
    attempts,
    attempt,
    async cut(order) {
      const end = begin(order, false)
      const { url, path, method, headers, body } = requestOf(order, {})
      const { hostname, port } = new URL(url)
      const outgoing = request({ hostname, port, path, method, headers, agent: false })
      let code = 'CUT'
      outgoing.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? 'CUT'))
      await new Promise<void>((resolve) => {
        outgoing.once('close', resolve)
        outgoing.end(body, () => outgoing.destroy())
      })
      end({ kind: 'broken', code })
      return code === 'CUT'
    },
    async persist(order, options) {
      const deadline = performance.now() + patienceMs
      let last: HttpResponse | undefined
      while (performance.now() < deadline) {
        last = (await attempt(order, options)) ?? last
        if (last !== undefined && isRecorded(last)) return last
        await pause(againAfterMs)
      }
      throw new Error(`${order.key} gets nowhere; the last answer: ${last?.status ?? 'none'} ${last?.body ?? ''}`)
    },
  }
}
