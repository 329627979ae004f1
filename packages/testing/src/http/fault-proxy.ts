import { once } from 'node:events'
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What happens to one request on its way. */
export type Fault =
  /** Nothing. */
  | { readonly kind: 'pass' }
  /** The connection is reset, and the server never hears of the request. */
  | { readonly kind: 'cut-request' }
  /** The server answers; the client gets the head and so many bytes of the body, and then a reset. 0: the reset alone. */
  | { readonly kind: 'cut-answer'; readonly bytes: number }
  /** The server answers; the client gets nothing, for as long as it waits. */
  | { readonly kind: 'hold-answer' }
  /** The proxy answers, as something in between would; the server never hears of the request. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }

/** A request that came through, or did not. */
export interface ProxiedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly fault: Fault['kind']
}

/** Stands between a client and a server, and lets requests meet faults. */
export interface FaultProxy extends AsyncDisposable {
  readonly url: string
  /** Every request so far, oldest first. */
  readonly requests: readonly ProxiedRequest[]
  /**
   * One fault for each of the next requests, in their order, in place of what was planned before. Later ones pass, and so do
   * the preflights of browsers (OPTIONS).
   */
  plan(faults: readonly Fault[]): void
  /** Where requests go from now on. */
  retarget(url: string): void
  /** Resets every connection of this moment. */
  cutAll(): void
}

/** Opens a proxy on a free port. A server that cannot be reached is a reset for the client. */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const state = { target, faults: [] as readonly Fault[], requests: [] as ProxiedRequest[] }
  const server = createServer((incoming, outgoing) => {
    carry(incoming, outgoing, state).catch(() => {
      reset(incoming)
    })
  })
  const sockets = new Set<IncomingMessage['socket']>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  const cutAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: state.requests,
    plan(faults) {
      state.faults = faults
    },
    retarget(url) {
      state.target = url
    },
    cutAll,
    async [Symbol.asyncDispose]() {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}

interface ProxyState {
  readonly target: string
  faults: readonly Fault[]
  readonly requests: ProxiedRequest[]
}

async function carry(incoming: IncomingMessage, outgoing: ServerResponse, state: ProxyState): Promise<void> {
  const body = await buffer(incoming)
  const { method = '', url: path = '', headers } = incoming
  const [fault = { kind: 'pass' }, ...rest]: readonly Fault[] = method === 'OPTIONS' ? [] : state.faults
  if (method !== 'OPTIONS') state.faults = rest
  state.requests.push({ method, path, headers, body: body.toString('utf8'), fault: fault.kind })
  if (fault.kind === 'cut-request') {
    reset(incoming)
    return
  }
  if (fault.kind === 'answer') {
    outgoing.writeHead(fault.status, { ...fault.headers }).end(fault.body)
    return
  }
  const { hostname, port } = new URL(state.target)
  const upstream = request({ hostname, port, method, path, headers, agent: false })
  outgoing.once('close', () => upstream.destroy())
  upstream.end(body)
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage]
  switch (fault.kind) {
    case 'pass':
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      outgoing.flushHeaders()
      await passOn(answer, outgoing, Infinity)
      outgoing.end()
      return
    case 'hold-answer':
      await buffer(answer)
      return
    case 'cut-answer':
      if (fault.bytes === 0) await buffer(answer)
      else {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        await passOn(answer, outgoing, fault.bytes)
      }
      reset(incoming)
  }
}

/** Passes on at most so many bytes, and returns when they are on their way. Throws when the answer breaks off. */
async function passOn(answer: IncomingMessage, outgoing: ServerResponse, bytes: number): Promise<void> {
  let left = bytes
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, Math.min(left, chunk.length))
    left -= part.length
    await new Promise<void>((resolve, reject) => {
      outgoing.write(part, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
    if (left === 0) return
  }
}

function reset(incoming: IncomingMessage): void {
  incoming.socket.resetAndDestroy()
}
