import type { Aggregates } from '../aggregate/aggregates.ts'
import type { Aggregate, Execute } from '../aggregate/define-aggregate.ts'
import type { CommandId, Fingerprint } from '../brands.ts'
import type { StepContext } from '../command/context.ts'
import type { Command, DomainEvent } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { LazyAbort } from '../lazy-abort.ts'
import {
  keyEventTypes,
  type AttemptFailedData,
  type OutcomeKind,
  type OutcomeRecord,
  type StoredResponse,
} from '../key-state/events.ts'
import type { CompensationRecord, StepRecord } from '../key-state/steps.ts'
import type { Resolution } from '../ports/command-transport.ts'
import { EventStoreError } from '../ports/event-store.ts'
import { attempt, type Decided } from './attempt.ts'
import { jittered } from './backoff.ts'
import { compensationStarted, notAskedFor, undoSteps, UndoFailed } from './compensation.ts'
import { executeStep } from './execute-step.ts'
import { failureResponse, operatorNeeded } from './project-again.ts'
import { GenerationLost, KeyWriter, type KeyWriterDeps, type KeyWriterPlan } from './key-writer.ts'
import { CommandDefect, Indeterminate } from './step-errors.ts'
import { indeterminateStep, Steps, unaskedFor, withIndex } from './steps.ts'

/** Reports to the log and the metrics; a callback must not throw. */
export interface HandlerObserver {
  attemptFailed?(info: {
    readonly envelope: CommandEnvelope
    readonly commandId: CommandId
    readonly attempt: number
    readonly error: unknown
  }): void
  decided?(info: { readonly envelope: CommandEnvelope; readonly outcome: OutcomeKind; readonly attempts: number }): void
}

export interface GenerationDeps extends KeyWriterDeps {
  readonly observer: HandlerObserver
  readonly aggregates: Aggregates
}

/** One generation of a key that this process has taken on. */
export interface GenerationPlan extends KeyWriterPlan {
  readonly command: Command
  readonly commandId: CommandId
  readonly failedAttempts: number
  readonly nextAttemptAtMs: number
  readonly steps: readonly StepRecord[]
  readonly compensation: CompensationRecord | undefined
}

/**
 * Works on one generation: tries, waits, tries again, and appends the outcome at the exact next revision. Writes follow
 * one another; an acceptance that a caller asks for meanwhile goes in before the outcome.
 */
export class Generation {
  readonly #deps: GenerationDeps
  readonly #plan: GenerationPlan
  readonly #writer: KeyWriter
  readonly #abort = new LazyAbort()
  #attempts: number
  /** What is known of the steps after the last try. */
  #records: readonly StepRecord[]
  /** Of the try that is under way, or was the last; undefined while it has asked for none. */
  #steps: Steps | undefined

  constructor(deps: GenerationDeps, plan: GenerationPlan) {
    this.#deps = deps
    this.#plan = plan
    this.#writer = new KeyWriter(deps, plan)
    this.#attempts = plan.failedAttempts
    this.#records = plan.steps
  }

  get accepted(): boolean {
    return this.#writer.accepted
  }

  get attempts(): number {
    return this.#attempts
  }

  /** Whose request this is: not always that of the execution which works on it. */
  get fingerprint(): Fingerprint {
    return this.#plan.envelope.fingerprint
  }

  /** Lets go: a pause ends, a late decision is not written. */
  abandon(): void {
    this.#abort.abort()
  }

  /**
   * Makes the command durable before its outcome is. Resolves with true when the acceptance, or the outcome, stands on
   * the stream; with false when another worker took the generation.
   */
  async accept(): Promise<boolean> {
    try {
      await this.#writer.accept()
      return true
    } catch (error) {
      if (error instanceof GenerationLost) return false
      throw error
    }
  }

  /** @throws GenerationLost when another worker wrote to the stream; EventStoreError */
  run(): Promise<Resolution> {
    const { nextAttemptAtMs, compensation } = this.#plan
    if (nextAttemptAtMs !== 0 || compensation !== undefined) return this.#resume()
    const decided = this.#nextTry()
    // The hot path: a pure command that decides at once is one append, without a further turn or promise.
    const direct = !(decided instanceof Promise) && decided.kind === 'succeeded' && this.#isWithoutSteps()
    return direct ? this.#concludeOnce(decided) : this.#decideAfter(decided)
  }

  #isWithoutSteps(): boolean {
    return this.#steps === undefined && this.#records.length === 0
  }

  async #resume(): Promise<Resolution> {
    await this.#waitUntil(this.#plan.nextAttemptAtMs)
    if (this.#plan.compensation !== undefined) {
      // The try that decided it has not been counted: only those that are followed by another are on the stream.
      this.#attempts++
      return this.#goOnUndoing(this.#plan.compensation)
    }
    return this.#decideAfter(this.#nextTry())
  }

  #nextTry(): Decided | Promise<Decided> {
    this.#goOnOrThrow()
    this.#attempts++
    try {
      return this.#try(false)
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  /** Goes on from a try, through others, to the resolution. */
  async #decideAfter(first: Decided | Promise<Decided>): Promise<Resolution> {
    for (let trying = first; ; trying = this.#nextTry()) {
      try {
        return await this.#decide(trying instanceof Promise ? await trying : trying)
      } catch (thrown) {
        // The command may have caught what ended its steps, and thrown something else.
        const error = isForeign(thrown) ? thrown : (this.#steps?.fatal ?? thrown)
        if (isForeign(error) || this.#abort.aborted) throw error
        const given = await this.#afterFault(error)
        if (given !== undefined) return given
      }
    }
  }

  #try(replayOnly: boolean): Decided | Promise<Decided> {
    const { clock } = this.#deps
    const { command, commandId, envelope } = this.#plan
    this.#steps = undefined
    let context: StepContext | undefined
    const steps = (): StepContext => {
      if (context !== undefined) return context
      const { generation } = this.#plan
      const [writer, abort, recorded] = [this.#writer, this.#abort, this.#records]
      this.#steps = new Steps({ commandId, generation, clock, writer, abort, recorded, replayOnly })
      return (context = stepContext(this.#steps, this.#deps.aggregates, envelope.tenant))
    }
    return attempt({ command, commandId, envelope, clock, abort: this.#abort, steps })
  }

  /** Ends a try: its late steps have no effect on the stream. */
  #endTry(): Steps | undefined {
    const steps = this.#steps
    steps?.close()
    if (steps !== undefined) this.#records = [...steps.records]
    return steps
  }

  /** Records the failed try and waits for the next one; after the last one, the resolution. */
  async #afterFault(error: unknown): Promise<Resolution | undefined> {
    const { clock, observer } = this.#deps
    const { envelope, commandId, command } = this.#plan
    const steps = this.#endTry()
    observer.attemptFailed?.({ envelope, commandId, attempt: this.#attempts, error })
    if (error instanceof CommandDefect) return this.#concludeFailed(`${error.message}`, {})
    const indeterminate = error instanceof Indeterminate ? error.step : indeterminateStep(this.#records)
    if (indeterminate !== undefined)
      return this.#concludeFailed(new Indeterminate(indeterminate).message, { indeterminate })
    if (this.#attempts >= command.retry.attempts) return this.#fail(`it failed ${this.#attempts} times`)
    const pauseMs = this.#pauseAfter(this.#attempts)
    // The tries are on the stream, so that a restart goes on counting.
    const data: AttemptFailedData = {
      attempt: this.#attempts,
      error: String(error).slice(0, 500),
      next_attempt_at_ms: clock.nowMs() + pauseMs,
    }
    await this.#writer.record([...(steps?.unsaved ?? []), { type: keyEventTypes.attemptFailed, data }])
    await clock.sleep(pauseMs, this.#abort.signal)
    return undefined
  }

  #pauseAfter(tries: number): number {
    const { initialDelayMs, maxDelayMs } = this.#plan.command.retry
    return jittered(Math.min(maxDelayMs, initialDelayMs * 2 ** (tries - 1)))
  }

  #goOnOrThrow(): void {
    if (this.#abort.aborted) throw new Error('the process has let go of this command')
  }

  async #waitUntil(timeMs: number): Promise<void> {
    const { clock } = this.#deps
    if (timeMs === 0) return
    const pauseMs = Math.min(timeMs - clock.nowMs(), this.#plan.command.retry.maxDelayMs)
    if (pauseMs > 0) await clock.sleep(pauseMs, this.#abort.signal)
  }

  #decide(decided: Decided): Promise<Resolution> {
    const { kind, events, response } = decided
    const steps = this.#endTry()
    const fault = steps === undefined ? unaskedFor(this.#records, 0) : steps.fault
    if (fault !== undefined) throw fault
    const concluded =
      kind === 'rejected'
        ? this.#compensate({ kind, events, response })
        : this.#conclude(kind, steps === undefined ? events : [...steps.unsaved, ...events], response)
    return concluded.catch((error: unknown) => this.#unlessTooLarge(error))
  }

  #concludeOnce({ kind, events, response }: Decided): Promise<Resolution> {
    return this.#conclude(kind, events, response).catch((error: unknown) => this.#unlessTooLarge(error))
  }

  #unlessTooLarge(error: unknown): Resolution | Promise<Resolution> {
    if (!(error instanceof EventStoreError) || error.code !== 'event-too-large') throw error
    if (!this.#writer.accepted) return { kind: 'too-large' }
    return this.#fail('its outcome is larger than the store accepts')
  }

  /** After the last try: what the steps did is undone, then the failure is the outcome. */
  #fail(detail: string): Promise<Resolution> {
    return this.#compensate(this.#failure(detail, { more: {} }))
  }

  /** A failure that nothing can be undone for. */
  #concludeFailed(detail: string, more: JsonObject): Promise<Resolution> {
    // Names of steps are the operator's business: they stand in the event, not in the answer.
    const { events, response } = this.#failure(detail, { more, told: operatorNeeded })
    return this.#conclude('failed', [...(this.#steps?.unsaved ?? []), ...events], response)
  }

  #failure(
    detail: string,
    { more, told = detail }: { readonly more: JsonObject; readonly told?: string },
  ): CompensationRecord {
    return {
      kind: 'failed',
      events: [{ type: keyEventTypes.failed, data: { reason: detail, ...more } }],
      response: failureResponse(told, this.#plan.envelope.requestId),
    }
  }

  /** Undoes what the steps did; then the record is the outcome. */
  async #compensate(record: CompensationRecord): Promise<Resolution> {
    const steps = this.#steps
    const known = steps === undefined ? this.#records.length === 0 : steps.unknown.length === 0
    if (known && (steps?.undos ?? []).length === 0) {
      return this.#conclude(record.kind, [...(steps?.unsaved ?? []), ...record.events], record.response)
    }
    const started = compensationStarted(record)
    // Were it too large in the end, it would be undone and could not be told.
    if (!this.#writer.fits(started.data)) throw new EventStoreError('event-too-large', 'the outcome is too large')
    await this.#writer.record([...(steps?.unsaved ?? []), started])
    steps?.clearUnsaved()
    return steps !== undefined && known ? this.#undo(record, steps) : this.#goOnUndoing(record)
  }

  /** The command walks through its recorded steps once more, to tell how each is undone. */
  async #goOnUndoing(record: CompensationRecord): Promise<Resolution> {
    const { retry } = this.#plan.command
    for (let time = 1; ; time++) {
      try {
        await this.#try(true)
      } catch {
        // It cannot come to its end: what was not recorded is not run. How far it has come is known by its steps.
      }
      const steps = this.#endTry()
      if (isForeign(steps?.fatal)) throw steps.fatal
      this.#goOnOrThrow()
      if (steps !== undefined && (steps.unknown.length === 0 || time >= retry.attempts))
        return this.#undo(record, steps)
      if (time >= retry.attempts) {
        const open = withIndex(this.#records).filter(({ status }) => status !== 'undone')
        return this.#incomplete(new UndoFailed(notAskedFor(open)))
      }
      await this.#deps.clock.sleep(this.#pauseAfter(time), this.#abort.signal)
    }
  }

  async #undo(record: CompensationRecord, steps: Steps): Promise<Resolution> {
    try {
      await undoSteps({ steps, writer: this.#writer, clock: this.#deps.clock, abort: this.#abort })
    } catch (error) {
      if (!(error instanceof UndoFailed)) throw error
      return this.#incomplete(error)
    }
    return this.#conclude(record.kind, [...steps.unsaved, ...record.events], record.response)
  }

  #incomplete(error: UndoFailed): Promise<Resolution> {
    const { envelope, commandId } = this.#plan
    this.#deps.observer.attemptFailed?.({ envelope, commandId, attempt: this.#attempts, error })
    // What an operator has to know: what is left to do, and why.
    const causes = error.notUndone.map(({ name, cause }) => [name, String(cause).slice(0, 500)] as const)
    return this.#concludeFailed(error.message, {
      compensation: 'incomplete',
      not_undone: error.notUndone.map(({ name }) => name),
      causes: Object.fromEntries(causes),
    })
  }

  #conclude(kind: OutcomeKind, events: readonly DomainEvent[], response: StoredResponse): Promise<Resolution> {
    this.#goOnOrThrow()
    const { command, generation, envelope } = this.#plan
    const completedAtMs = this.#deps.clock.nowMs()
    const expiresAtMs = completedAtMs + command.retentionMs
    const outcome: OutcomeRecord = { kind, response, completedAtMs, expiresAtMs, attempts: this.#attempts }
    return this.#writer.conclude(events, outcome).then(() => {
      const position = String(this.#writer.position)
      this.#deps.observer.decided?.({ envelope, outcome: kind, attempts: this.#attempts })
      const { attemptId } = envelope
      return { kind: 'outcome', outcome: kind, response, generation, attemptId, completedAtMs, expiresAtMs, position }
    })
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

/** Not the command's fault: the store's, or that another worker was faster. */
const isForeign = (error: unknown): error is EventStoreError | GenerationLost =>
  error instanceof EventStoreError || error instanceof GenerationLost

function stepContext(steps: Steps, aggregates: Aggregates, tenant: string): StepContext {
  return {
    step: (name, run, options) => steps.step(name, run, options),
    execute: ((aggregate: Aggregate, id: string, options: { readonly command: JsonValue }) =>
      executeStep({ steps, aggregates, tenant }, { aggregate, id }, options)) as Execute,
  }
}
