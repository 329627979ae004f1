import type { CommandGateway } from '@holdfast/core'
import { systemClock } from '@holdfast/core'
import type { FastifyInstance } from 'fastify'

export interface CloseOptions {
  readonly server: FastifyInstance
  readonly gateway: CommandGateway
  /** How long callers may wait for commands that are running, milliseconds; then they are answered 202. */
  readonly drainMs: number
}

/**
 * How long the gateway still takes connections when it has begun to stop, milliseconds at most. Node closes kept
 * connections that it has read nothing from, also those whose next request has just arrived: that one would be reset.
 * So every connection first gets the chance of an answer, which says `Connection: close`, and whoever balances the load
 * sees `/readyz` fail while it can still connect.
 */
const longestLingerMs = 500

/**
 * How long callers may take, when all is answered, to read it, milliseconds. Who does not, and who does not send the rest of a request,
 * is cut off: Node looks for neither any more once it takes no connections.
 */
const longestReadMs = 5_000

/** Answers what is in flight, refuses what is new (503), and closes; resolves when the last connection has gone. */
export async function closeInOrder({ server, gateway, drainMs }: CloseOptions): Promise<void> {
  gateway.refuseNew()
  const cancel = systemClock.schedule(drainMs, () => {
    gateway.drain()
  })
  const lingerMs = Math.min(longestLingerMs, drainMs)
  await linger(lingerMs)
  // Right behind the phase of the event loop that takes connections: one that waits to be taken would be reset.
  await new Promise((resolve) => setImmediate(resolve))
  // Now none is taken any more. To Node one that was just taken is idle until its first request has arrived, and closing
  // would reset it: it gets as long again to bring that request.
  const { server: http } = server
  const closeIdle = http.closeIdleConnections.bind(http)
  http.closeIdleConnections = () => undefined
  http.close()
  await linger(lingerMs)
  http.closeIdleConnections = closeIdle
  const cut = setTimeout(() => {
    http.closeAllConnections()
  }, drainMs + longestReadMs)
  try {
    await server.close()
  } finally {
    clearTimeout(cut)
    cancel()
  }
}

/** Not the clock's sleep: this one has to keep the process alive. */
const linger = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
