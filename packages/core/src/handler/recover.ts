import { commandIdOfStream, commandStreamPrefix } from '../brands.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { keyEventTypes, type RecordedEnvelope } from '../key-state/events.ts'
import { loadKeyState } from '../key-state/load.ts'
import { endsGeneration, keyMetadata } from '../key-state/state.ts'
import type { Checkpoints } from '../ports/clock.ts'
import type { CommandTransport, Dispatch } from '../ports/command-transport.ts'
import { EventStoreError, type EventStore, type RecordedEvent } from '../ports/event-store.ts'

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
  /**
   * An outcome that came so long after its acceptance, milliseconds, was perhaps recorded by a process that died before it
   * told anybody: it is dispatched once more, which is a replay. Default: none is.
   */
  readonly lateAfterMs?: number
}

export interface Recovered {
  /** Accepted commands without an outcome that were found. */
  readonly found: number
  /** Streams of keys whose events cannot be understood; an operator looks at them. They hold up nobody else. */
  readonly unreadable: readonly string[]
}

const checkpointName = 'recover'
/** Acceptances looked at before others get their turn: about a millisecond. */
const atOnce = 64

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
    maxBatch: atOnce,
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
  let untold = false
  for await (const batch of batches) {
    for (const event of batch.events) {
      const left = await leftToDo(event, options)
      if (left.kind === 'done' || left.kind === 'late') {
        if (!gap) done = event.position
      } else {
        gap = true
        if (left.kind === 'unreadable') unreadable.push(event.stream)
      }
      if (left.kind !== 'late' && left.kind !== 'open') continue
      if (left.kind === 'open') found++
      if (running.size >= limit) await Promise.race(running)
      const work: Promise<void> = finished(options.transport.dispatch(left.envelope)).then((told) => {
        if (!told && left.kind === 'late') untold = true
        running.delete(work)
      })
      running.add(work)
    }
    if (!gap) done = batch.position
    if (batch.caughtUp) break
  }
  await Promise.all(running)
  if (done !== undefined && !untold && !signal.aborted) await checkpoints.save(checkpointName, done)
  return { found, unreadable }
}

type Left =
  /** Nothing: it has its outcome, or is not a command's. */
  | { readonly kind: 'done' }
  /** It has its outcome, and perhaps nobody knows. */
  | { readonly kind: 'late'; readonly envelope: CommandEnvelope }
  /** To be finished. */
  | { readonly kind: 'open'; readonly envelope: CommandEnvelope }
  /** Another process is at it. */
  | { readonly kind: 'leased' }
  | { readonly kind: 'unreadable' }

async function leftToDo(
  accepted: RecordedEvent,
  { store, idleSinceMs = Number.POSITIVE_INFINITY, lateAfterMs = Number.POSITIVE_INFINITY }: RecoverOptions,
): Promise<Left> {
  const { stream } = accepted
  if (commandIdOfStream(stream) === undefined) return { kind: 'done' }
  try {
    if (lateAfterMs === Number.POSITIVE_INFINITY && isSurelyClosed(store, stream)) return { kind: 'done' }
    const state = await loadKeyState(store, stream)
    if (state.kind === 'accepted')
      return state.recordedAtMs > idleSinceMs
        ? { kind: 'leased' }
        : { kind: 'open', envelope: envelopeOf(state, state.envelope) }
    const { generation, envelope } = keyMetadata(accepted)
    const late =
      state.kind === 'resolved' &&
      state.generation === generation &&
      state.recordedAtMs - accepted.recordedAtMs >= lateAfterMs
    return late && envelope !== undefined ? { kind: 'late', envelope: envelopeOf(state, envelope) } : { kind: 'done' }
  } catch (error) {
    if (error instanceof EventStoreError && error.code === 'corrupt') return { kind: 'unreadable' }
    throw error
  }
}

/** Most are: where the store tells that at once, it needs neither a wait nor the event's data. */
function isSurelyClosed(store: EventStore, stream: string): boolean {
  const last = store.last?.(stream)
  if (last === undefined) return false
  const metadata = keyMetadata(last)
  return endsGeneration(metadata) || metadata.removal !== undefined
}

const envelopeOf = (
  { fingerprint, attemptId }: Pick<CommandEnvelope, 'fingerprint' | 'attemptId'>,
  recorded: RecordedEnvelope,
): CommandEnvelope => ({ ...recorded, v: 1, fingerprint, attemptId })

/**
 * Whatever becomes of it: a command that is given up now is found again at the next start. True when it was carried to its
 * end.
 */
function finished(dispatch: Dispatch): Promise<boolean> {
  return dispatch.resolution.then(
    () => true,
    () => false,
  )
}
