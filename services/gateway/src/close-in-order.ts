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

/** Answers what is in flight, refuses what is new (503), and closes; resolves when the last connection has gone. */
export async function closeInOrder({ server, gateway, drainMs }: CloseOptions): Promise<void> {
  gateway.refuseNew()
  const cancel = systemClock.schedule(drainMs, () => {
    gateway.drain()
  })
  // Not the clock's sleep: this one has to keep the process alive.
  await new Promise((resolve) => setTimeout(resolve, Math.min(longestLingerMs, drainMs)))
  await server.close()
  cancel()
}
