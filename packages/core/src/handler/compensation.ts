import type { CompensationRecord, StepRecord } from '../key-state/steps.ts'
import { keyEventTypes } from '../key-state/events.ts'
import type { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'
import { EventStoreError } from '../ports/event-store.ts'
import { GenerationLost, type KeyWriter } from './key-writer.ts'
import { runBounded } from './run-bounded.ts'
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

  constructor(step: string, options: ErrorOptions) {
    super(`the step "${step}" could not be undone`, options)
    this.step = step
  }
}

/**
 * Writes down which outcome the compensation leads to, so that a restart goes on undoing and does not decide again.
 * Nothing is written where there is nothing to undo.
 */
export async function beginCompensation(
  record: CompensationRecord,
  { writer, steps }: CompensationOptions,
): Promise<void> {
  if (steps.undos.length === 0) return
  const { kind, events, response } = record
  const data = {
    kind,
    events: events.map((event) => ({ type: event.type, data: event.data })),
    response: { ...response, headers: { ...response.headers } },
  }
  await writer.record([...steps.takeUnsaved(), { type: keyEventTypes.compensationStarted, data }])
}

/** Undoes the completed steps, the last one first; each is recorded. @throws UndoFailed, GenerationLost, EventStoreError */
export async function undoSteps(options: CompensationOptions): Promise<void> {
  const { writer, steps } = options
  for (const undo of [...steps.undos].sort((a, b) => b.index - a.index)) {
    if (isUndone(steps.records[undo.index])) continue
    await undoOne(undo, options)
    await writer.record([{ type: keyEventTypes.stepUndone, data: { step: undo.name, index: undo.index } }])
  }
}

const isUndone = (record: StepRecord | undefined): boolean => record?.status === 'undone'

async function undoOne(undo: Undo, { clock, abort, steps }: CompensationOptions): Promise<void> {
  try {
    await runBounded((run) => undo.run(run), { key: steps.undoKeyOf(undo.name), retry: undo.retry, clock, abort })
  } catch (error) {
    if (error instanceof EventStoreError || error instanceof GenerationLost || abort.aborted) throw error
    throw new UndoFailed(undo.name, { cause: error })
  }
}
