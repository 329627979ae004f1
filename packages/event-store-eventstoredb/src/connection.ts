import { EventStoreError } from '@holdfast/core'
import { withThrowOnAppendFailure } from './connection-string.ts'
import type { ClientSession } from './client-session.ts'
import { createClientSession } from './client-session.ts'
import type { AdapterLogger } from './options.ts'

/** A session in use. */
export interface Lease {
  readonly session: ClientSession
  /** The session does not answer any more: who comes next gets a new one. */
  retire(): void
  release(): void
}

export interface Connection {
  /** @throws EventStoreError `closed` */
  lease(): Lease
  close(): Promise<void>
}

interface Held {
  readonly session: ClientSession
  readonly bornMs: number
  users: number
  retired: boolean
}

/** A client is replaced at most this often, so that many appends that fail together do not open a connection each. */
const shortestLifeMs = 250

/**
 * Hands out the current client. The client itself connects anew after UNAVAILABLE, CANCELLED and a leader that has moved;
 * what it never notices is a call, or a question for the server's features, that is not answered. Then it is replaced.
 * What still runs on the old one ends there.
 */
export function createConnection(connectionString: string, logger: AdapterLogger): Connection {
  const target = withThrowOnAppendFailure(connectionString)
  let current: Held | undefined
  let closed = false
  const disposing = new Set<Promise<void>>()

  function dispose(session: ClientSession): void {
    const work = session.dispose().catch((error: unknown) => {
      logger.debug({ err: error }, 'a client did not close cleanly')
    })
    disposing.add(work)
    void work.then(() => disposing.delete(work))
  }

  const open = (): Held => ({
    session: createClientSession(target, logger),
    bornMs: performance.now(),
    users: 0,
    retired: false,
  })

  return {
    lease() {
      // A subscription that is on its way out must not open a connection that nobody closes.
      if (closed) throw new EventStoreError('closed', 'the event store was closed')
      const held = (current ??= open())
      held.users += 1
      let released = false
      return {
        session: held.session,
        retire() {
          if (current !== held || performance.now() - held.bornMs < shortestLifeMs) return
          logger.warn({}, 'the client is replaced: the server answers none of its appends')
          held.retired = true
          current = undefined
        },
        release() {
          if (released) return
          released = true
          held.users -= 1
          if (held.retired && held.users === 0) dispose(held.session)
        },
      }
    },
    async close() {
      closed = true
      if (current) dispose(current.session)
      current = undefined
      await Promise.all(disposing)
    },
  }
}
