import { request, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'

export interface HttpRequest {
  /** Origin: `http://127.0.0.1:8080`. */
  readonly url: string
  /** Default GET. */
  readonly method?: string
  /** Path and query, sent as it is: nothing is encoded or normalised. */
  readonly path: string
  /** Names are sent as they are written; an array sends the header that often. */
  readonly headers?: OutgoingHttpHeaders
  /** Sent with `Content-Length`. */
  readonly body?: string | Uint8Array
  /** Default: a connection of its own, closed after the answer. */
  readonly agent?: Agent
  /** Without an answer by then the request fails. Default 60,000. */
  readonly timeoutMs?: number
}

export interface HttpResponse {
  readonly status: number
  /** By lower-case name; repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** As they came: name, value, name, value, … */
  readonly rawHeaders: readonly string[]
  /** The body as UTF-8. */
  readonly body: string
  readonly bytes: Buffer
}

/**
 * Sends one request and reads the whole answer. No redirects, no retries, no decoding: what a test sees is what was sent.
 *
 * @throws the socket's error (`ECONNREFUSED`, `ECONNRESET`, …)
 */
export async function send(options: HttpRequest): Promise<HttpResponse> {
  const { agent = false, timeoutMs = 60_000, body, method = 'GET', path } = options
  const { hostname, port } = new URL(options.url)
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const outgoing = request({ hostname, port, method, path, agent, headers: { ...length, ...options.headers } })
    const timer = setTimeout(() => {
      outgoing.destroy(new Error(`no answer to ${method} ${path} in ${timeoutMs} ms`))
    }, timeoutMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    outgoing.once('error', fail)
    outgoing.once('response', (incoming) => {
      collect(incoming).then((response) => {
        clearTimeout(timer)
        resolve(response)
      }, fail)
    })
    outgoing.end(body)
  })
}

async function collect(incoming: IncomingMessage): Promise<HttpResponse> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return {
    status: incoming.statusCode ?? 0,
    headers: joined(incoming.rawHeaders),
    rawHeaders: incoming.rawHeaders,
    body: bytes.toString('utf8'),
    bytes,
  }
}

/** Headers by lower-case name, from the list of names and values. */
export function joined(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    const value = rawHeaders[at + 1] ?? ''
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return headers
}
