import { hash } from 'node:crypto'
import type { CommandId } from '../brands.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { RetryPolicy } from '../command/retry-policy.ts'
import type { StepOptions, StepRun } from '../command/step.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { StepRecord } from '../key-state/steps.ts'
import { keyEventTypes } from '../key-state/events.ts'
import { LazyAbort } from '../lazy-abort.ts'
import type { Clock } from '../ports/clock.ts'
import { EventStoreError } from '../ports/event-store.ts'
import { jittered } from './backoff.ts'
import type { KeyWriter } from './key-writer.ts'
import { runBounded, type BoundedRun } from './run-bounded.ts'
import { CommandDefect, Indeterminate, StepFailed, TryIsOver } from './step-errors.ts'

const longestPauseMs = 5_000

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

/** `{"step":"","index":…,"result":}` has no more. */
const maxFrameCharacters = 64

/** One for all tries, as each of them ends: a stack for each would cost more than many a step. */
const over = new TryIsOver('this try of the command is over')

/** What a step may return: JSON, or nothing. */
type StepResult = JsonValue | undefined | void

/** A step's own way to its result. */
export interface StepBody<Result> {
  readonly name: string
  /** What an interrupted run comes to. Default `again`: it is simply run again. */
  readonly interrupted?:
    | 'again'
    /** Nobody can tell; and its result is recorded at once. */
    | 'indeterminate'
    /** It is run again; and before it is undone, it is closed: nobody has its effect from then on. */
    | 'closed'
  /** Data of `StepStarted`, when the start has to be recorded before the run; undefined for none. */
  readonly started?: () => Promise<JsonObject> | JsonObject
  /** `before` is what is recorded of an earlier, interrupted run; `closing` says to close that, and not to run. */
  run(before: StepRecord | undefined, closing: boolean): Promise<Result>
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
  /** Places of the steps of this try that have to be closed before they can be undone. */
  readonly #closable = new Set<number>()
  #unsaved: readonly DomainEvent[] = []
  #next = 0
  /** Fires when the try is over. */
  readonly #over = new LazyAbort()
  #fatal: Error | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #pending = 0

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
    this.#over.abort(over)
  }

  /** Completed steps that are not on the stream yet: for the next append. */
  get unsaved(): readonly DomainEvent[] {
    return this.#unsaved
  }

  /** They are on the stream. */
  clearUnsaved(): void {
    this.#unsaved = []
  }

  /**
   * The error that ended the steps of this try: no further one is run, and the command cannot catch it and decide as if
   * nothing had happened.
   */
  get fatal(): Error | undefined {
    return this.#fatal
  }

  /** Why the command may not decide now, although it has. */
  get fault(): Error | undefined {
    if (this.#fatal !== undefined) return this.#fatal
    if (this.#pending > 0) return new CommandDefect('it decided while a step of it was under way')
    return unaskedFor(this.#records, this.#next)
  }

  /** The recorded steps of which this try has not learned how to undo them; none when it knows all. */
  get unknown(): readonly Pick<Undo, 'index' | 'name'>[] {
    return withIndex(this.#records).filter(
      ({ status, place, index }) =>
        status !== 'undone' && (index >= this.#next || (status === 'started' && place && this.#closable.has(index))),
    )
  }

  keyOf(name: string): string {
    return stableUuid('step', this.#options.commandId, String(this.#options.generation), name)
  }

  undoKeyOf(name: string): string {
    return stableUuid('undo', this.#options.commandId, String(this.#options.generation), name)
  }

  /** `ctx.step`. */
  step<Result extends StepResult>(
    name: string,
    run: (run: StepRun) => Promise<Result> | Result,
    options: StepOptions<Result> = {},
  ): Promise<Result> {
    const atMostOnce = options.atMostOnce === true
    const retry = options.retry === undefined ? defaultStepRetry : { ...defaultStepRetry, ...options.retry }
    const undo = options.undo?.bind(options)
    return this.take({
      name,
      ...(atMostOnce && { interrupted: 'indeterminate', started: () => ({}) }),
      run: (before) => {
        if (atMostOnce && before !== undefined) throw new Indeterminate(name)
        return runBounded(run, this.#boundsOf(name, atMostOnce ? { ...retry, attempts: 1 } : retry)).catch(
          (cause: unknown) => {
            if (atMostOnce) throw new Indeterminate(name, { cause })
            throw new StepFailed(`the step "${name}" failed: ${String(cause)}`, { cause })
          },
        )
      },
      ...(undo && { undo: (result: Result) => ({ retry, run: (undoRun: StepRun) => undo(result, undoRun) }) }),
    })
  }

  #boundsOf(name: string, retry: RetryPolicy): BoundedRun {
    const { clock, abort } = this.#options
    return { keyOf: () => this.keyOf(name), retry, clock, aborts: [this.#over, abort] }
  }

  /** Takes a step in its turn: returns what is recorded, or runs it. */
  take<Result extends StepResult>(body: StepBody<Result>): Promise<Result> {
    const taken = this.#pending++ === 0 ? this.#take(body) : this.#turn.then(() => this.#take(body))
    this.#turn = taken.then(
      () => {
        this.#pending--
      },
      (error: unknown) => {
        this.#pending--
        if (!this.#over.aborted) this.#fatal ??= error instanceof Error ? error : new StepFailed(String(error))
      },
    )
    return taken
  }

  async #take<Result extends StepResult>(body: StepBody<Result>): Promise<Result> {
    const { name } = body
    this.#checkOpen()
    if (this.#names.has(name)) throw new CommandDefect(`it asks for the step "${name}" twice`)
    this.#names.add(name)
    const index = this.#next
    const record = this.#records[index]
    if (record !== undefined && record.name !== name) {
      throw new CommandDefect(
        `it asks for the step "${name}" where its history holds "${record.name}": it does not decide the same again`,
      )
    }
    this.#next++
    if (record?.status === 'completed' || record?.status === 'undone') {
      const result = record.result as Result
      if (record.status === 'completed') this.#remember(body, index, result)
      return fromJson(toJson(result))
    }
    const closable = body.interrupted === 'closed' && body.undo !== undefined
    if (closable) this.#closable.add(index)
    const { replayOnly } = this.#options
    if (replayOnly && !(closable && record !== undefined)) throw new TryIsOver('the command is being undone')
    await this.#begin(body, index, record)
    // What a replay would return: not the object itself, but the JSON of it.
    const json = toJson(await body.run(record, replayOnly))
    this.#checkOpen()
    await this.#complete(body, index, json)
    // The command may change its own copy: what is recorded, and undone, stays as it was.
    return fromJson(json)
  }

  /** Everything before this step, and its own start if it asks for that, is on the stream before it runs. */
  async #begin<Result>(body: StepBody<Result>, index: number, record: StepRecord | undefined): Promise<void> {
    const { writer } = this.#options
    const events = [...this.#unsaved]
    const starting = this.#startOf(body, record)
    const started = starting instanceof Promise ? await starting : starting
    this.#checkOpen()
    if (started !== undefined) {
      const { place } = started as Pick<StepRecord, 'place'>
      events.push({ type: keyEventTypes.stepStarted, data: { step: body.name, index, ...started } })
      this.#records[index] = { name: body.name, status: 'started', ...(place && { place }) }
    }
    // Whatever is written behind this counts on it: no longer unsaved.
    this.clearUnsaved()
    if (events.length > 0) await writer.record(events)
    else if (!writer.accepted) await writer.accept()
    this.#checkOpen()
  }

  /**
   * Whoever goes on with a step that can be closed says so first: from then on nobody else can record what the step came
   * to, so that the worker which was at it before, and perhaps still is, cannot record another result.
   */
  #startOf<Result>(
    body: StepBody<Result>,
    record: StepRecord | undefined,
  ): Promise<JsonObject> | JsonObject | undefined {
    if (record === undefined) return body.started?.()
    const goesOn = body.interrupted === 'closed' && !this.#options.replayOnly
    return goesOn && record.place ? { place: { ...record.place } } : undefined
  }

  #complete<Result extends StepResult>(
    body: StepBody<Result>,
    index: number,
    json: string | undefined,
  ): Promise<void> | undefined {
    const { name, interrupted } = body
    const result = fromJson<Result>(json)
    const data: JsonObject = result === undefined ? { step: name, index } : { step: name, index, result }
    // Escaped, a character of the name takes six at most.
    const characters = (json?.length ?? 0) + name.length * 6 + maxFrameCharacters
    if (!this.#options.writer.fits(data, characters)) {
      const cause = new RangeError('its result is larger than the store accepts')
      if (interrupted === 'indeterminate') throw new Indeterminate(name, { cause })
      throw new StepFailed(`the step "${name}" failed: ${cause.message}`, { cause })
    }
    const started = this.#records[index]
    const completed: StepRecord =
      result === undefined ? { name, status: 'completed' } : { name, status: 'completed', result }
    this.#records[index] = started === undefined ? completed : { ...started, ...completed }
    this.#unsaved = [...this.#unsaved, { type: keyEventTypes.stepCompleted, data }]
    this.#remember(body, index, result)
    return interrupted === 'indeterminate' ? this.#saveAtOnce() : undefined
  }

  /** What is lost with this process is indeterminate: so it is written now, and as soon as the store is back. */
  async #saveAtOnce(): Promise<void> {
    const { writer, clock } = this.#options
    const events = this.#unsaved
    this.clearUnsaved()
    for (let time = 1; ; time++) {
      try {
        await writer.record(events)
        return
      } catch (error) {
        if (!(error instanceof EventStoreError) || !error.canRetry) throw error
        this.#checkOpen()
        await clock.sleep(jittered(Math.min(longestPauseMs, 10 * 2 ** time)), this.#over.signal)
        this.#checkOpen()
      }
    }
  }

  #remember<Result>(body: StepBody<Result>, index: number, result: Result): void {
    const undo = body.undo?.(result)
    if (undo !== undefined) this.undos.push({ index, name: body.name, ...undo })
  }

  #checkOpen(): void {
    if (this.#fatal !== undefined) throw this.#fatal
    if (this.#options.abort.aborted) throw new TryIsOver('the process has let go of the command')
    if (this.#over.aborted) throw new TryIsOver('this try of the command is over')
  }
}

/** With its place among the command's steps. */
export const withIndex = (records: readonly StepRecord[]): readonly (StepRecord & { readonly index: number })[] =>
  records.map((record, index) => ({ ...record, index }))

/** A step that the history holds and a command which has decided has not asked for: it does not decide the same again. */
export function unaskedFor(records: readonly StepRecord[], asked: number): CommandDefect | undefined {
  const record = records[asked]
  return record && new CommandDefect(`it decides without the step "${record.name}", which its history holds`)
}

/** An `atMostOnce` step that was begun, and of whose end nothing is known. */
export function indeterminateStep(records: readonly StepRecord[]): string | undefined {
  return records.find(({ status, place }) => status === 'started' && place === undefined)?.name
}

const toJson = (result: StepResult): string | undefined => JSON.stringify(result)

const fromJson = <T extends StepResult>(json: string | undefined): T =>
  (json === undefined ? undefined : JSON.parse(json)) as T
