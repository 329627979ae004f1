import { StreamDeletedError, StreamNotFoundError } from '@eventstore/db-client'
import { timedOut, withinMs } from './waiting.ts'

/** What a read of the client gave. */
export type ReadOutcome<E> =
  | { readonly kind: 'events'; readonly events: readonly E[] }
  /** No stream of this name: never written, soft-deleted, or written but not indexed yet. */
  | { readonly kind: 'missing' }
  /** Tombstoned. */
  | { readonly kind: 'deleted' }
  | { readonly kind: 'failed'; readonly error: unknown }

/** The client's ReadStream. */
export interface ClientRead<E> {
  on(event: 'data', listener: (event: E) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  cancel(): Promise<void>
}

/**
 * Reads to the end, at most `timeoutMs`: the client ignores a deadline on reads. Listeners, not `for await`: a read that is
 * cancelled neither ends nor fails, so that a loop over it would wait for ever. Never throws.
 */
export async function collectRead<E>(read: ClientRead<E>, timeoutMs: number): Promise<ReadOutcome<E>> {
  const events: E[] = []
  const work = new Promise<ReadOutcome<E>>((resolve) => {
    read.on('data', (event) => events.push(event))
    read.on('end', () => {
      resolve({ kind: 'events', events })
    })
    // Stays attached: an error after the end must not be an uncaught one.
    read.on('error', (error) => {
      if (error instanceof StreamNotFoundError) resolve({ kind: 'missing' })
      else if (error instanceof StreamDeletedError) resolve({ kind: 'deleted' })
      else resolve({ kind: 'failed', error })
    })
  })
  const outcome = await withinMs(work, timeoutMs)
  if (outcome !== timedOut) return outcome
  // It waits for the call to be made, which may fail or take as long.
  void read.cancel().catch(() => undefined)
  return { kind: 'failed', error: new Error(`no answer within ${timeoutMs} ms`) }
}
