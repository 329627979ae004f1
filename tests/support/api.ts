import { randomUUID } from 'node:crypto'
import type { Agent, OutgoingHttpHeaders } from 'node:http'
import { send, type HttpRequest, type HttpResponse } from '@holdfast/testing/http'

export interface CallOptions {
  /** `Idempotency-Key`; an array sends the header that often. */
  readonly key?: string | readonly string[]
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly text?: string | Uint8Array
  /** Default `application/json` when there is a body; null for none. */
  readonly contentType?: string | null
  readonly prefer?: string
  /** API key, for `Authorization: Bearer`. */
  readonly apiKey?: string
  readonly headers?: OutgoingHttpHeaders
  readonly agent?: Agent
  /** Which gateway; default: each call goes to the next one. */
  readonly gateway?: number
}

/** A client of one Holdfast, over all its gateways in turn. */
export interface Api {
  readonly urls: readonly string[]
  call(method: string, path: string, options?: CallOptions): Promise<HttpResponse>
  post(path: string, options?: CallOptions): Promise<HttpResponse>
  get(path: string, options?: CallOptions): Promise<HttpResponse>
  /** The request that `call` would send: for connections that break. */
  request(method: string, path: string, options?: CallOptions): HttpRequest
}

/**
 * `common` headers are sent with every request, behind its own.
 *
 * @throws RangeError without a gateway
 */
export function createApi(urls: readonly string[], common: OutgoingHttpHeaders = {}): Api {
  let turn = 0
  const request: Api['request'] = (method, path, options = {}) => {
    const url = urls[(options.gateway ?? turn++) % urls.length]
    if (url === undefined) throw new RangeError('an API needs a gateway')
    const body = options.text ?? (options.json === undefined ? undefined : JSON.stringify(options.json))
    return {
      url,
      method,
      path,
      headers: { ...headersOf(options, body !== undefined), ...common },
      ...(body !== undefined && { body }),
      ...(options.agent && { agent: options.agent }),
    }
  }
  const call: Api['call'] = (method, path, options) => send(request(method, path, options))
  return {
    urls,
    call,
    request,
    post: (path, options) => call('POST', path, options),
    get: (path, options) => call('GET', path, options),
  }
}

function headersOf(options: CallOptions, hasBody: boolean): OutgoingHttpHeaders {
  const { key, prefer, apiKey, headers, contentType = hasBody ? 'application/json' : null } = options
  return {
    ...(contentType !== null && { 'content-type': contentType }),
    ...(key !== undefined && { 'idempotency-key': typeof key === 'string' ? key : [...key] }),
    ...(prefer !== undefined && { prefer }),
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    ...headers,
  }
}

/** A key that nobody has used. */
export const freshKey = (): string => randomUUID()

/** A body of the article's order. */
export const anOrder = { product_id: 'abc', quantity: 2 } as const

export const jsonOf = <T = Record<string, unknown>>(response: HttpResponse): T => JSON.parse(response.body) as T

/** The command id in `Location`; '' when there is none. */
export const commandIdIn = (response: HttpResponse): string =>
  /^\/commands\/([0-9a-f]{64})$/.exec(response.headers['location'] ?? '')?.[1] ?? ''
