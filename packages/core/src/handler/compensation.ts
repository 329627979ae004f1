import type { DomainEvent } from '../command/define-command.ts'
import type { CompensationRecord, StepRecord } from '../key-state/steps.ts'
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
  /** The steps that have not been undone, in the order in which they would have been: this one first. */
  readonly notUndone: readonly string[]

  constructor(notUndone: readonly [string, ...string[]], options?: ErrorOptions) {
    const [step] = notUndone
    super(`the step "${step}" could not be undone`, options)
    this.step = step
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
 * Undoes the completed steps, the last one first; each is recorded. It stops at the first that cannot be undone, also
 * because the command no longer asks for it: what stands before it may be needed to sort that out (decision 0021).
 *
 * @throws UndoFailed, GenerationLost, EventStoreError
 */
export async function undoSteps(options: CompensationOptions): Promise<void> {
  const { writer, steps, abort } = options
  if (steps.unknown !== undefined) {
    const cause = new Error('the command does not ask for it any more')
    throw new UndoFailed(leftOf(steps.records, steps.unknown), { cause })
  }
  const undos = steps.undos.toSorted((a, b) => b.index - a.index)
  for (const [at, undo] of undos.entries()) {
    if (abort.aborted) throw new TryIsOver('the process has let go of the command')
    try {
      await undoOne(undo, options)
    } catch (cause) {
      if (cause instanceof EventStoreError || abort.aborted) throw cause
      throw new UndoFailed([undo.name, ...undos.slice(at + 1).map(({ name }) => name)], { cause })
    }
    const undone = { type: keyEventTypes.stepUndone, data: { step: undo.name, index: undo.index } }
    await writer.record([...steps.unsaved, undone])
    steps.clearUnsaved()
  }
}

/** The steps that are not undone, the last one first, from this one on: also those that may need no undo. */
export function leftOf(records: readonly StepRecord[], step: string): readonly [string, ...string[]] {
  const names = records.filter(({ status }) => status !== 'undone').map(({ name }) => name)
  return [step, ...names.slice(0, Math.max(0, names.lastIndexOf(step))).reverse()]
}

async function undoOne(undo: Undo, { clock, abort, steps }: CompensationOptions): Promise<void> {
  const bounds = { key: steps.undoKeyOf(undo.name), retry: undo.retry, clock, aborts: [abort] }
  await runBounded((run) => undo.run(run), bounds)
}
