import type { DomainEvent } from '../command/define-command.ts'
import type { CompensationRecord } from '../key-state/steps.ts'
import { keyEventTypes } from '../key-state/events.ts'
import type { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'
import { EventStoreError } from '../ports/event-store.ts'
import type { KeyWriter } from './key-writer.ts'
import { runBounded } from './run-bounded.ts'
import { TryIsOver } from './step-errors.ts'
import type { Steps, Undo } from './steps.ts'

export interface CompensationOptions {
  readonly writer: KeyWriter
  readonly clock: Clock
  readonly abort: LazyAbort
  readonly steps: Steps
}

/** A step that is not undone, and why. */
export interface NotUndone {
  readonly index: number
  readonly name: string
  readonly cause: unknown
}

/** Some steps could not be taken back, however often it was tried; all others are. */
export class UndoFailed extends Error {
  override readonly name = 'UndoFailed'
  /** In the order in which they would have been undone: the last step first. */
  readonly notUndone: readonly NotUndone[]

  constructor(left: readonly NotUndone[]) {
    const notUndone = left.toSorted((a, b) => b.index - a.index)
    const causes = notUndone.map(({ cause }) => cause)
    super('not all steps could be undone', { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) })
    this.notUndone = notUndone
  }
}

/** The event that says which outcome the compensation leads to, so that a restart goes on undoing and does not decide again. */
export function compensationStarted({ kind, events, response }: CompensationRecord): DomainEvent {
  const data = {
    kind,
    events: events.map((event) => ({ type: event.type, data: event.data })),
    response: { ...response, headers: { ...response.headers } },
  }
  return { type: keyEventTypes.compensationStarted, data }
}

/**
 * Undoes the completed steps, the last one first; each is recorded. One that cannot be undone, however often its policy has
 * it tried, or because the command no longer asks for it, is left, and those before it are undone all the same (decision
 * 0021).
 *
 * @throws UndoFailed when some are left, GenerationLost, EventStoreError
 */
export async function undoSteps(options: CompensationOptions): Promise<void> {
  const { writer, steps, abort } = options
  const left = notAskedFor(steps.unknown)
  for (const undo of steps.undos.toSorted((a, b) => b.index - a.index)) {
    if (abort.aborted) throw new TryIsOver('the process has let go of the command')
    try {
      await undoOne(undo, options)
    } catch (cause) {
      if (cause instanceof EventStoreError || abort.aborted) throw cause
      left.push({ index: undo.index, name: undo.name, cause })
      continue
    }
    const undone = { type: keyEventTypes.stepUndone, data: { step: undo.name, index: undo.index } }
    await writer.record([...steps.unsaved, undone])
    steps.clearUnsaved()
  }
  if (left.length > 0) throw new UndoFailed(left)
}

/** Of these nobody knows how they are undone, or whether they need it. */
export function notAskedFor(steps: readonly Pick<NotUndone, 'index' | 'name'>[]): NotUndone[] {
  return steps.map(({ index, name }) => ({ index, name, cause: new Error('the command does not ask for it any more') }))
}

async function undoOne(undo: Undo, { clock, abort, steps }: CompensationOptions): Promise<void> {
  const bounds = { keyOf: () => steps.undoKeyOf(undo.name), retry: undo.retry, clock, aborts: [abort] }
  await runBounded((run) => undo.run(run), bounds)
}
