import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { joined, type HttpResponse } from './send.ts'

export interface RawRequest {
  /** Origin: `http://127.0.0.1:8080`. */
  readonly url: string
  /** What is written, one after another. */
  readonly bytes: string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>
  /** How long the server may take to close the connection; then the socket is destroyed and `closed` is false. Default 15,000. */
  readonly timeoutMs?: number
}

export interface RawAnswer {
  /** Everything that the server sent. */
  readonly bytes: Buffer
  /** True when the server closed the connection, in order or by a reset. */
  readonly closed: boolean
}

/** Writes bytes to a socket, and reads until the server closes it. Never throws for what the server does. */
export async function sendRaw({ url, bytes, timeoutMs = 15_000 }: RawRequest): Promise<RawAnswer> {
  const socket = await connected(url)
  const chunks: Buffer[] = []
  const closed = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => {
      resolve(false)
    }, timeoutMs)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
  for await (const part of parts(bytes)) {
    if (socket.destroyed || socket.writableEnded) break
    socket.write(part)
  }
  const result = await closed
  socket.destroy()
  return { bytes: Buffer.concat(chunks), closed: result }
}

/** A socket that is open; a reset is an end like any other. */
export async function connected(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  return socket
}

async function* parts(bytes: RawRequest['bytes']): AsyncGenerator<string | Uint8Array> {
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) yield bytes
  else yield* bytes
}

/** Reads the answers out of the bytes of a connection; each needs a `Content-Length`, as the gateway sends it. */
export function parseAnswers(bytes: Buffer): readonly HttpResponse[] {
  const answers: HttpResponse[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return answers
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n')
    const rawHeaders = lines.flatMap((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
    const headers = joined(rawHeaders)
    const start = end + 4
    const body = rest.subarray(start, start + Number(headers['content-length'] ?? 0))
    answers.push({
      status: Number(statusLine.split(' ')[1]),
      headers,
      rawHeaders,
      body: body.toString('utf8'),
      bytes: body,
    })
    rest = rest.subarray(start + body.length)
  }
}
