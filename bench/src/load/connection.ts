import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Response {
  readonly status: number
  readonly body: string
}

/** One kept-alive connection that takes one request at a time, with nothing between it and the socket. */
export interface Connection {
  /** A whole request in HTTP/1.1. @throws Error when the connection breaks, or the answer is none that this understands */
  send(request: string): Promise<Response>
  close(): void
}

export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let waiting: { readonly resolve: (response: Response) => void; readonly reject: (error: Error) => void } | undefined
  let received = ''
  const fail = (error: Error): void => {
    waiting?.reject(error)
    waiting = undefined
  }
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    received += chunk
    const end = responseEnd(received)
    if (end === undefined || waiting === undefined) return
    const response = parse(received.slice(0, end))
    received = received.slice(end)
    const { resolve } = waiting
    waiting = undefined
    resolve(response)
  })
  socket.on('error', fail)
  socket.on('close', () => {
    fail(new Error('the connection was closed'))
  })
  await once(socket, 'connect')
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

const headEnd = '\r\n\r\n'

/** Where the response ends; undefined while it is not all there. */
function responseEnd(text: string): number | undefined {
  const head = text.indexOf(headEnd)
  if (head === -1) return undefined
  const body = head + headEnd.length
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, body))?.[1]
  if (length !== undefined) return text.length >= body + Number(length) ? body + Number(length) : undefined
  // Chunked, without trailers.
  const last = text.indexOf('0\r\n\r\n', body)
  return last === -1 || !(last === body || text.startsWith('\r\n', last - 2)) ? undefined : last + 5
}

function parse(text: string): Response {
  const body = text.indexOf(headEnd) + headEnd.length
  const chunked = /^transfer-encoding: *chunked/im.test(text.slice(0, body))
  return { status: Number(text.slice(9, 12)), body: chunked ? joinChunks(text.slice(body)) : text.slice(body) }
}

function joinChunks(text: string): string {
  let joined = ''
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    if (!(size > 0)) return joined
    joined += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
}
