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

/** A step that could not be taken back, however often it was tried. */
export class UndoFailed extends Error {
  override readonly name = 'UndoFailed'
  readonly step: string

  constructor(step: string, options?: ErrorOptions) {
    super(`the step "${step}" could not be undone`, options)
    this.step = step
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
 * Undoes the completed steps, the last one first; each is recorded. It stops at the first that cannot be undone, also
 * because the command no longer asks for it: what stands before it may be needed to sort that out.
 *
 * @throws UndoFailed, GenerationLost, EventStoreError
 */
export async function undoSteps(options: CompensationOptions): Promise<void> {
  const { writer, steps, abort } = options
  if (steps.unknown !== undefined) {
    throw new UndoFailed(steps.unknown, { cause: new Error('the command does not ask for it any more') })
  }
  for (const undo of [...steps.undos].sort((a, b) => b.index - a.index)) {
    if (abort.aborted) throw new TryIsOver('the process has let go of the command')
    await undoOne(undo, options)
    const undone = { type: keyEventTypes.stepUndone, data: { step: undo.name, index: undo.index } }
    await writer.record([...steps.unsaved, undone])
    steps.clearUnsaved()
  }
}

async function undoOne(undo: Undo, { clock, abort, steps }: CompensationOptions): Promise<void> {
  const bounds = { key: steps.undoKeyOf(undo.name), retry: undo.retry, clock, aborts: [abort] }
  try {
    await runBounded((run) => undo.run(run), bounds)
  } catch (error) {
    if (error instanceof EventStoreError || abort.aborted) throw error
    throw new UndoFailed(undo.name, { cause: error })
  }
}
