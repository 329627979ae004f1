import { problem, problemMediaType } from '@holdfast/contracts'
import type { CommandId, Fingerprint, StreamName } from '../brands.ts'
import type { Command, DomainEvent } from '../command/define-command.ts'
import { renderResponse } from '../command/response.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { asJson, type JsonObject } from '../json.ts'
import { LazyAbort } from '../lazy-abort.ts'
import {
  keyEventTypes,
  type KeyEventMetadata,
  type OutcomeKind,
  type OutcomeRecord,
  type StoredResponse,
} from '../key-state/events.ts'
import type { Clock, Ids } from '../ports/clock.ts'
import type { Resolution } from '../ports/command-transport.ts'
import {
  EventStoreError,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
} from '../ports/event-store.ts'
import { attempt, type Decided } from './attempt.ts'
import { appendSurely } from './append-surely.ts'
import { jittered } from './backoff.ts'

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

export interface GenerationDeps {
  readonly store: EventStore
  readonly clock: Clock
  readonly ids: Ids
  readonly observer: HandlerObserver
}

/** One generation of a key that this process has taken on. */
export interface GenerationPlan {
  readonly command: Command
  readonly commandId: CommandId
  readonly stream: StreamName
  readonly envelope: CommandEnvelope
  readonly generation: number
  readonly expectedRevision: ExpectedRevision
  /** True when `CommandAccepted` stands on the stream. */
  readonly accepted: boolean
  readonly failedAttempts: number
  readonly nextAttemptAtMs: number
}

/** `lost`: another worker wrote to the stream; what stands there now decides. */
export type GenerationResult = Resolution | { readonly kind: 'lost'; readonly actual: ExpectedRevision }

/**
 * Works on one generation: tries, waits, tries again, and appends the outcome at the exact next revision. Writes follow
 * one another; an acceptance that a caller asks for meanwhile goes in before the outcome.
 */
export class Generation {
  readonly #deps: GenerationDeps
  readonly #plan: GenerationPlan
  readonly #abort = new LazyAbort()
  #revision: ExpectedRevision
  #accepted: boolean
  #attempts: number
  #accepting: Promise<AppendResult> | undefined
  #deciding: Promise<AppendResult> | undefined
  #lost: Extract<GenerationResult, { kind: 'lost' }> | undefined

  constructor(deps: GenerationDeps, plan: GenerationPlan) {
    this.#deps = deps
    this.#plan = plan
    this.#revision = plan.expectedRevision
    this.#accepted = plan.accepted
    this.#attempts = plan.failedAttempts
  }

  get accepted(): boolean {
    return this.#accepted
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
    if (this.#deciding !== undefined) await this.#deciding
    else if (!this.#accepted && this.#lost === undefined) {
      this.#accepting ??= this.#append([this.#event(keyEventTypes.accepted, {}, { envelope: true })])
      await this.#accepting
    }
    return this.#lost === undefined
  }

  async run(): Promise<GenerationResult> {
    const { clock, observer } = this.#deps
    const { retry } = this.#plan.command
    await this.#waitUntil(this.#plan.nextAttemptAtMs)
    for (;;) {
      this.#goOnOrThrow()
      this.#attempts++
      try {
        const trying = attempt({ ...this.#plan, clock, abort: this.#abort })
        const decided = trying instanceof Promise ? await trying : trying
        return await this.#decide(decided)
      } catch (error) {
        if (error instanceof EventStoreError || this.#abort.aborted) throw error
        observer.attemptFailed?.({
          envelope: this.#plan.envelope,
          commandId: this.#plan.commandId,
          attempt: this.#attempts,
          error,
        })
        if (this.#attempts >= retry.attempts) return this.#fail(`it failed ${this.#attempts} times`)
        const pauseMs = jittered(Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (this.#attempts - 1)))
        const lost = await this.#recordFailedAttempt(error, clock.nowMs() + pauseMs)
        if (lost) return lost
        await clock.sleep(pauseMs, this.#abort.signal)
      }
    }
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

  async #decide(decided: Decided): Promise<GenerationResult> {
    try {
      return await this.#conclude(decided.kind, decided.events, decided.response)
    } catch (error) {
      if (!(error instanceof EventStoreError) || error.code !== 'event-too-large') throw error
      if (!this.#accepted) return { kind: 'too-large' }
      return this.#fail('its outcome is larger than the store accepts')
    }
  }

  #fail(detail: string): Promise<GenerationResult> {
    const { envelope } = this.#plan
    const document = problem('command-failed', {
      detail: `The command was given up: ${detail}.`,
      instance: envelope.requestId,
    })
    const response = renderResponse(
      { status: document.status, headers: { link: `<${document.type}>; rel="describedby"` }, body: asJson(document) },
      problemMediaType,
    )
    return this.#conclude('failed', [{ type: keyEventTypes.failed, data: { reason: detail } }], response)
  }

  async #conclude(
    kind: OutcomeKind,
    events: readonly [DomainEvent, ...DomainEvent[]],
    response: StoredResponse,
  ): Promise<GenerationResult> {
    if (this.#accepting !== undefined) await this.#accepting
    if (this.#lost !== undefined) return this.#lost
    this.#goOnOrThrow()
    const { command, generation, envelope } = this.#plan
    const completedAtMs = this.#deps.clock.nowMs()
    const expiresAtMs = completedAtMs + command.retentionMs
    const outcome: OutcomeRecord = { kind, response, completedAtMs, expiresAtMs, attempts: this.#attempts }
    const last = events.length - 1
    const appended = events.map(({ type, data }, at) =>
      this.#event(type, data, { envelope: at === 0 && !this.#accepted, ...(at === last && { outcome }) }),
    )
    this.#deciding = this.#append(appended)
    try {
      await this.#deciding
    } catch (error) {
      this.#deciding = undefined
      throw error
    }
    if (this.#lost) return this.#lost
    this.#deps.observer.decided?.({ envelope, outcome: kind, attempts: this.#attempts })
    return { kind: 'outcome', outcome: kind, response, generation, attemptId: envelope.attemptId, expiresAtMs }
  }

  /** The tries are on the stream, so that a restart goes on counting. */
  async #recordFailedAttempt(error: unknown, nextAttemptAtMs: number): Promise<GenerationResult | undefined> {
    if (this.#accepting !== undefined) await this.#accepting
    if (this.#lost !== undefined) return this.#lost
    const data = { attempt: this.#attempts, error: String(error).slice(0, 500), next_attempt_at_ms: nextAttemptAtMs }
    const events = [this.#event(keyEventTypes.attemptFailed, data, { envelope: false })]
    if (!this.#accepted) events.unshift(this.#event(keyEventTypes.accepted, {}, { envelope: true }))
    this.#accepting = this.#append(events)
    await this.#accepting
    return this.#lost
  }

  async #append(events: readonly NewEvent[]): Promise<AppendResult> {
    try {
      const result = await appendSurely(this.#deps, {
        stream: this.#plan.stream,
        events,
        expectedRevision: this.#revision,
      })
      if (result.kind === 'conflict') {
        this.#lost = { kind: 'lost', actual: result.actual }
      } else {
        this.#revision = result.revision
        this.#accepted = true
      }
      return result
    } finally {
      this.#accepting = undefined
    }
  }

  #event(
    type: string,
    data: JsonObject,
    parts: { readonly envelope: boolean; readonly outcome?: OutcomeRecord },
  ): NewEvent {
    const { v: _v, fingerprint, attemptId, ...envelope } = this.#plan.envelope
    const metadata: KeyEventMetadata = {
      v: 1,
      generation: this.#plan.generation,
      fingerprint,
      attemptId,
      ...(parts.envelope && { envelope }),
      ...(parts.outcome && { outcome: parts.outcome }),
    }
    return { id: this.#deps.ids.uuid(), type, data, metadata: metadata as unknown as JsonObject }
  }
}
