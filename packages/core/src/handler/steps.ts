import { hash } from 'node:crypto'
import type { CommandId } from '../brands.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { RetryPolicy } from '../command/retry-policy.ts'
import type { StepOptions, StepRun } from '../command/step.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { StepRecord } from '../key-state/steps.ts'
import { keyEventTypes } from '../key-state/events.ts'
import type { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'
import { EventStoreError } from '../ports/event-store.ts'
import { GenerationLost, type KeyWriter } from './key-writer.ts'
import { runBounded } from './run-bounded.ts'
import { CommandDefect, Indeterminate, StepFailed, TryIsOver } from './step-errors.ts'

export const defaultStepRetry: RetryPolicy = { attempts: 3, initialDelayMs: 50, maxDelayMs: 2_000, timeoutMs: 10_000 }

/** How to take a completed step back. */
export interface Undo {
  readonly index: number
  readonly name: string
  readonly retry: RetryPolicy
  run(run: StepRun): Promise<void> | void
}

export interface StepsOptions {
  readonly commandId: CommandId
  readonly generation: number
  readonly clock: Clock
  readonly writer: KeyWriter
  readonly abort: LazyAbort
  /** What the stream tells; this object keeps it up to date. */
  readonly recorded: readonly StepRecord[]
  /** True: nothing is run, the command only walks through what is recorded, to find how to undo it. */
  readonly replayOnly: boolean
}

/** A step's own way to its result. */
export interface StepBody<Result> {
  readonly name: string
  /** Data of `StepStarted`, when the start has to be recorded before the run; undefined for none. */
  readonly started?: () => Promise<JsonObject> | JsonObject
  /** `before` is what is recorded of an earlier, interrupted run. */
  run(before: StepRecord | undefined): Promise<Result>
  /** Undefined where this result leaves nothing to undo. */
  readonly undo?: (result: Result) => Omit<Undo, 'index' | 'name'> | undefined
}

/** A UUID (version 8, RFC 9562) that is the same for the same parts. */
export function stableUuid(...parts: readonly string[]): string {
  const hex = hash('sha256', parts.join('\0'), 'hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * The steps of one try of a command. Steps run one after the other, in the order in which the command asks for them. What
 * a step returned is recorded together with whatever is written next: the next step's start, or the outcome.
 */
export class Steps {
  readonly undos: Undo[] = []
  readonly #options: StepsOptions
  readonly #records: StepRecord[]
  readonly #names = new Set<string>()
  #unsaved: DomainEvent[] = []
  #next = 0
  #closed = false
  #fatal: Error | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: StepsOptions) {
    this.#options = options
    this.#records = [...options.recorded]
  }

  /** What is recorded and what has been completed since. */
  get records(): readonly StepRecord[] {
    return this.#records
  }

  /** The try is over: a late step of it has no effect on the stream. */
  close(): void {
    this.#closed = true
  }

  /** Completed steps that are not on the stream yet: for the next append. */
  takeUnsaved(): readonly DomainEvent[] {
    const unsaved = this.#unsaved
    this.#unsaved = []
    return unsaved
  }

  keyOf(name: string): string {
    return stableUuid('step', this.#options.commandId, String(this.#options.generation), name)
  }

  undoKeyOf(name: string): string {
    return stableUuid('undo', this.#options.commandId, String(this.#options.generation), name)
  }

  /** `ctx.step`. */
  step<Result extends JsonValue | undefined>(
    name: string,
    run: (run: StepRun) => Promise<Result> | Result,
    options: StepOptions<Result> = {},
  ): Promise<Result> {
    const retry = { ...defaultStepRetry, ...options.retry, ...(options.atMostOnce === true && { attempts: 1 }) }
    const { clock, abort } = this.#options
    const undo = options.undo?.bind(options)
    return this.take({
      name,
      ...(options.atMostOnce === true && { started: () => ({}) }),
      run: async (before) => {
        if (options.atMostOnce === true && before !== undefined) throw new Indeterminate(name)
        try {
          return await runBounded(run, { key: this.keyOf(name), retry, clock, abort })
        } catch (cause) {
          if (options.atMostOnce === true) throw new Indeterminate(name, { cause })
          throw new StepFailed(`the step "${name}" failed: ${String(cause)}`, { cause })
        }
      },
      ...(undo && { undo: (result: Result) => ({ retry, run: (undoRun: StepRun) => undo(result, undoRun) }) }),
    })
  }

  /** Takes a step in its turn: returns what is recorded, or runs it. */
  take<Result extends JsonValue | undefined>(body: StepBody<Result>): Promise<Result> {
    const taken = this.#turn.then(() => this.#take(body))
    this.#turn = taken.catch((error: unknown) => {
      if (isFatal(error)) this.#fatal ??= error
    })
    return taken
  }

  async #take<Result extends JsonValue | undefined>(body: StepBody<Result>): Promise<Result> {
    const { name } = body
    this.#checkOpen()
    if (this.#names.has(name)) throw new CommandDefect(`it asks for the step "${name}" twice`)
    this.#names.add(name)
    const index = this.#next++
    const record = this.#records[index]
    if (record !== undefined && record.name !== name) {
      throw new CommandDefect(
        `it asks for the step "${name}" where its history holds "${record.name}": it does not decide the same again`,
      )
    }
    if (record?.status === 'completed' || record?.status === 'undone') {
      const result = record.result as Result
      if (record.status === 'completed') this.#remember(body, index, result)
      return result
    }
    if (this.#options.replayOnly) throw new TryIsOver('the command is being undone')
    await this.#begin(body, index, record)
    // What a replay would return: not the object itself, but the JSON of it.
    const result = asRecorded(await body.run(record))
    this.#checkOpen()
    this.#records[index] = {
      ...this.#records[index],
      name,
      status: 'completed',
      ...(result !== undefined && { result }),
    }
    const data: JsonObject = { step: name, index, ...(result !== undefined && { result }) }
    this.#unsaved.push({ type: keyEventTypes.stepCompleted, data })
    this.#remember(body, index, result)
    return result
  }

  /** Everything before this step, and its own start if it asks for that, is on the stream before it runs. */
  async #begin<Result>(body: StepBody<Result>, index: number, record: StepRecord | undefined): Promise<void> {
    const { writer } = this.#options
    const events = [...this.#unsaved]
    if (body.started !== undefined && record === undefined) {
      const started = await body.started()
      const { place } = started as Pick<StepRecord, 'place'>
      events.push({ type: keyEventTypes.stepStarted, data: { step: body.name, index, ...started } })
      this.#records[index] = { name: body.name, status: 'started', ...(place && { place }) }
    }
    if (events.length > 0) await writer.record(events)
    else if (!writer.accepted) await writer.accept()
    this.#unsaved = []
    this.#checkOpen()
  }

  #remember<Result>(body: StepBody<Result>, index: number, result: Result): void {
    const undo = body.undo?.(result)
    if (undo !== undefined) this.undos.push({ index, name: body.name, ...undo })
  }

  /** A fault that the command may not catch and go on from. */
  get fatal(): Error | undefined {
    return this.#fatal
  }

  #checkOpen(): void {
    if (this.#fatal !== undefined) throw this.#fatal
    if (this.#closed) throw new TryIsOver('this try of the command is over')
  }
}

const isFatal = (error: unknown): error is Error =>
  error instanceof CommandDefect ||
  error instanceof Indeterminate ||
  error instanceof GenerationLost ||
  error instanceof EventStoreError

function asRecorded<T extends JsonValue | undefined>(result: T): T {
  return (result === undefined ? undefined : JSON.parse(JSON.stringify(result))) as T
}
