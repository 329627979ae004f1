import { commandIdOfStream, commandStreamPrefix } from '../brands.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { keyEventTypes } from '../key-state/events.ts'
import { loadKeyState } from '../key-state/load.ts'
import type { Checkpoints } from '../ports/clock.ts'
import type { CommandTransport, Dispatch } from '../ports/command-transport.ts'
import { EventStoreError, type EventStore } from '../ports/event-store.ts'

export interface RecoverOptions {
  readonly store: EventStore
  readonly checkpoints: Checkpoints
  readonly transport: CommandTransport
  readonly signal: AbortSignal
  /** Commands worked on at one time, so that new work goes on beside them. Default 64. */
  readonly concurrency?: number
  /**
   * Leave alone what was written to after this moment (the store's clock, milliseconds): another process has the lease on
   * it. Default: everything is looked at.
   */
  readonly idleSinceMs?: number
}

export interface Recovered {
  /** Accepted commands without an outcome that were found. */
  readonly found: number
  /** Streams of keys whose events cannot be understood; an operator looks at them. They hold up nobody else. */
  readonly unreadable: readonly string[]
}

const checkpointName = 'recover'

/**
 * Finishes what was accepted and has no outcome: nobody has to retry. Reads the acceptances in global order from the
 * last checkpoint, and moves the checkpoint to where all before it are resolved, so that a long history is not read again.
 */
export async function recoverAccepted(options: RecoverOptions): Promise<Recovered> {
  const { store, checkpoints, signal } = options
  const after = await checkpoints.load(checkpointName)
  const batches = store.subscribe({
    prefix: commandStreamPrefix,
    types: [keyEventTypes.accepted],
    signal,
    ...(after !== undefined && { after }),
  })
  const limit = options.concurrency ?? 64
  const running = new Set<Promise<void>>()
  const unreadable: string[] = []
  let found = 0
  /** Everything up to here is resolved. */
  let done = after
  let gap = false
  for await (const batch of batches) {
    for (const event of batch.events) {
      const envelope = await unresolved(store, event.stream, options.idleSinceMs)
      if (envelope === 'unreadable' || envelope === 'leased') {
        gap = true
        if (envelope === 'unreadable') unreadable.push(event.stream)
        continue
      }
      if (envelope === undefined) {
        if (!gap) done = event.position
        continue
      }
      gap = true
      found++
      if (running.size >= limit) await Promise.race(running)
      const work: Promise<void> = finished(options.transport.dispatch(envelope)).finally(() => running.delete(work))
      running.add(work)
    }
    if (!gap) done = batch.position
    if (batch.caughtUp) break
  }
  await Promise.all(running)
  if (done !== undefined && !signal.aborted) await checkpoints.save(checkpointName, done)
  return { found, unreadable }
}

async function unresolved(
  store: EventStore,
  stream: string,
  idleSinceMs = Number.POSITIVE_INFINITY,
): Promise<CommandEnvelope | 'unreadable' | 'leased' | undefined> {
  if (commandIdOfStream(stream) === undefined) return undefined
  const state = await loadKeyState(store, stream).catch((error: unknown) => {
    if (error instanceof EventStoreError && error.code === 'corrupt') return 'unreadable' as const
    throw error
  })
  if (state === 'unreadable') return state
  if (state.kind !== 'accepted') return undefined
  if (state.recordedAtMs > idleSinceMs) return 'leased'
  const { fingerprint, attemptId, envelope } = state
  return { ...envelope, v: 1, fingerprint, attemptId }
}

/** Whatever becomes of it: a command that is given up now is found again at the next start. */
async function finished(dispatch: Dispatch): Promise<void> {
  await dispatch.resolution.then(
    () => undefined,
    () => undefined,
  )
}
