import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Outcome } from '../attempt.ts'
import { codeOf } from './exchange.ts'

/** Writes a whole request and closes the connection at once, without a look at the answer. */
export async function cutAfterSend(socket: Socket, bytes: Buffer): Promise<Outcome> {
  await new Promise<void>((resolve) => {
    socket.write(bytes, () => {
      resolve()
    })
  })
  socket.destroy()
  return { kind: 'cut', received: Buffer.alloc(0) }
}

/**
 * Writes a whole request, waits for the first bytes of the answer, and resets the connection, so that the rest cannot
 * be delivered.
 */
export async function cutDuringAnswer(
  socket: Socket,
  bytes: Buffer,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([options.signal, timeout])
  try {
    const first = Promise.race([
      once(socket, 'data', { signal }),
      once(socket, 'close', { signal }).then(() => undefined),
    ])
    socket.write(bytes)
    const chunk = await first
    return chunk === undefined
      ? { kind: 'failed', code: 'ECONNRESET' }
      : { kind: 'cut', received: (chunk as [Buffer])[0] }
  } catch (error) {
    return { kind: 'failed', code: options.signal.aborted ? 'stopped' : timeout.aborted ? 'timeout' : codeOf(error) }
  } finally {
    // A TLS socket has no reset of its own: there the close is what breaks the answer.
    if ('encrypted' in socket) socket.destroy()
    else socket.resetAndDestroy()
  }
}
