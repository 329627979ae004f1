import { once } from 'node:events'
import { connected } from './raw.ts'
import type { HttpRequest } from './send.ts'

/** The bytes of a request, as a plain client writes them. Each header once. */
export function requestBytes({ method = 'GET', path, url, headers = {}, body }: HttpRequest): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${new URL(url).host}`]
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value].flat()) if (one !== undefined) lines.push(`${name}: ${one}`)
  }
  if (body !== undefined) lines.push(`content-length: ${Buffer.byteLength(body)}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body ?? '')])
}

/** Sends a whole request and closes the socket at once, without a look at the answer. */
export async function cutAfterSend(options: HttpRequest): Promise<void> {
  const socket = await connected(options.url)
  await new Promise<void>((resolve) => {
    socket.write(requestBytes(options), () => {
      resolve()
    })
  })
  socket.destroy()
}

/** Sends a part of a request and closes the socket. `bytes` counts from the first one. */
export async function cutWhileSending(options: HttpRequest, bytes: number): Promise<void> {
  const socket = await connected(options.url)
  await new Promise<void>((resolve) => {
    socket.write(requestBytes(options).subarray(0, bytes), () => {
      resolve()
    })
  })
  socket.destroy()
}

/**
 * Sends a whole request, waits for the first bytes of the answer, and resets the connection, so that the rest of the
 * answer cannot be delivered. Returns how many bytes had come.
 */
export async function cutDuringRead(options: HttpRequest): Promise<number> {
  const socket = await connected(options.url)
  socket.write(requestBytes(options))
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  socket.pause()
  socket.resetAndDestroy()
  return chunk.length
}
