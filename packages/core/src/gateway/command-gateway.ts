import { commandIdOf, streamOf, type CommandId, type Fingerprint, type IdempotencyKey, type Tenant } from '../brands.ts'
import type { Command } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { fingerprintOf } from '../fingerprint.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { KeyTable } from '../key-table.ts'
import type { KeyDecision } from '../key-state/decide.ts'
import { loadKeyState } from '../key-state/load.ts'
import { decideFromStream, resolutionNow, resolutionOf } from '../key-state/resolve.ts'
import type { KeyState } from '../key-state/state.ts'
import type { Clock, Ids } from '../ports/clock.ts'
import type { CommandTransport, Dispatch, Resolution } from '../ports/command-transport.ts'
import { EventStoreError, type EventStore } from '../ports/event-store.ts'
import type { Answer } from './answer.ts'
import { OutcomeCache } from './outcome-cache.ts'
import { UsedKeys } from './used-keys.ts'
import { late, Waits } from './waits.ts'

export interface CommandGatewayOptions {
  readonly transport: CommandTransport
  readonly store: EventStore
  readonly clock: Clock
  readonly ids: Ids
  /** See KeyPolicy.clockSkewMs. */
  readonly clockSkewMs: number
  /** Requests being answered at one time; more are refused as `overloaded`. */
  readonly maxInFlight: number
  /** How long a 202 may wait for the command to become durable before it turns into 503, milliseconds. */
  readonly durableTimeoutMs: number
  /**
   * Look for a recorded outcome before the transport is asked, unless keys are mostly new ({@link UsedKeys}). True where
   * the transport is a journey (Kafka); false where the handler is in this process and reads the same stream anyway.
   */
  readonly readFirst: boolean
  /**
   * Memory for outcomes of a moment ago, bytes. Only where this process alone writes to the store. Default 0: none.
   */
  readonly cacheBytes?: number
}

/** One attempt at a command, after authentication and validation. */
export interface CommandRequest {
  readonly command: Command
  readonly tenant: Tenant
  readonly key: IdempotencyKey
  /** Output of the command's schema. */
  readonly input: JsonObject
  /** How long the caller waits for the outcome, milliseconds; 0 for a 202 at once. */
  readonly waitMs: number
  readonly requestId: string
  readonly traceparent?: string | undefined
}

/** What a look-up of a key finds. */
export type KeyLookup =
  | {
      readonly kind: 'pending'
      readonly command: string
      readonly fingerprint: Fingerprint
      readonly attempts: number
      readonly receivedAtMs: number
    }
  | Exclude<KeyState, { kind: 'vacant' | 'removed' }>

interface InFlight {
  readonly envelope: CommandEnvelope
  readonly dispatch: Dispatch
}

/**
 * Turns attempts into answers: attaches an attempt to the one in flight under its key, or dispatches it, and waits.
 * Checks the fingerprint before it looks what is in flight, and that before the store, as the contract orders.
 */
export class CommandGateway {
  readonly #options: CommandGatewayOptions
  readonly #inFlight = new KeyTable<InFlight>()
  readonly #waits: Waits
  readonly #cache: OutcomeCache
  readonly #usedKeys = new UsedKeys()
  #refusing = false
  #answering = 0

  constructor(options: CommandGatewayOptions) {
    this.#options = options
    this.#waits = new Waits(options.clock)
    this.#cache = new OutcomeCache(options.cacheBytes ?? 0)
  }

  /** Keys in flight. */
  get keysInFlight(): number {
    return this.#inFlight.size
  }

  /** Requests being answered. */
  get answering(): number {
    return this.#answering
  }

  /** From now on only keys that are in flight are answered; others get `unavailable`. The first half of a shutdown. */
  refuseNew(): void {
    this.#refusing = true
  }

  /** From now on no caller waits: everyone in flight is answered 202 as soon as the command is durable. */
  drain(): void {
    this.#refusing = true
    this.#waits.drain()
  }

  submit(request: CommandRequest): Promise<Answer> {
    const { command, tenant, key, input } = request
    const commandId = commandIdOf(tenant, key)
    if (this.#answering >= this.#options.maxInFlight) {
      return Promise.resolve({ kind: 'refused', code: 'overloaded', commandId })
    }
    const subset: JsonValue = command.fingerprint === undefined ? input : command.fingerprint(input)
    const fingerprint = fingerprintOf(command.name, subset)
    const known = this.#cached(command, commandId, fingerprint) ?? this.#recorded(command, commandId, fingerprint)
    if (known !== undefined) return Promise.resolve(known)
    this.#answering++
    return this.#answer(request, commandId, fingerprint).then(
      (answer) => {
        this.#answering--
        return answer
      },
      (error: unknown) => {
        this.#answering--
        throw error
      },
    )
  }

  /** The key's outcome was changed past this gateway (an operator released it): the store is asked again. */
  forget(commandId: CommandId): void {
    this.#cache.delete(commandId)
  }

  /** Where a key of this tenant stands; undefined when it was never used, by another tenant only, or its history is gone. */
  async lookup(tenant: Tenant, commandId: CommandId): Promise<KeyLookup | undefined> {
    const state = await loadKeyState(this.#options.store, streamOf(commandId), { withEnvelope: true })
    if (state.kind !== 'vacant' && state.kind !== 'removed')
      return state.envelope?.tenant === tenant ? state : undefined
    const flying = this.#inFlight.get(commandId)
    if (flying?.envelope.tenant !== tenant) return undefined
    const { command, fingerprint, receivedAtMs } = flying.envelope
    return { kind: 'pending', command, fingerprint, receivedAtMs, attempts: flying.dispatch.attempts() }
  }

  #cached(command: Command, commandId: CommandId, fingerprint: Fingerprint): Answer | undefined {
    const entry = this.#cache.get(commandId)
    // What has expired is decided by the handler, with both clocks.
    if (entry === undefined || entry.outcome.expiresAtMs <= this.#options.clock.nowMs()) return undefined
    if (entry.fingerprint === fingerprint)
      return toAnswer(entry.outcome, { commandId, attemptId: undefined, recorded: true })
    return command.supersedes ? undefined : { kind: 'refused', code: 'idempotency-key-reused', commandId }
  }

  /** Where the store tells at once what is recorded, nobody else is asked. */
  #recorded(command: Command, commandId: CommandId, fingerprint: Fingerprint): Answer | undefined {
    const { store, clock, clockSkewMs } = this.#options
    if (store.last === undefined || this.#refusing || this.#inFlight.has(commandId)) return undefined
    try {
      const last = store.last(streamOf(commandId))
      if (last === undefined) return undefined
      const resolution = resolutionNow(last, { fingerprint, nowMs: clock.nowMs() }, { command, clockSkewMs })
      if (resolution?.kind === 'outcome') this.#cache.set(commandId, fingerprint, resolution)
      return resolution && toAnswer(resolution, { commandId, attemptId: undefined, recorded: true })
    } catch (cause) {
      return refusedBy(cause, commandId)
    }
  }

  #answer(request: CommandRequest, commandId: CommandId, fingerprint: Fingerprint): Promise<Answer> {
    return this.#inFlight.has(commandId)
      ? this.#attach(request, commandId, fingerprint)
      : this.#first(request, commandId, fingerprint)
  }

  async #attach(request: CommandRequest, commandId: CommandId, fingerprint: Fingerprint): Promise<Answer> {
    const { command } = request
    const deadlineMs = this.#options.clock.nowMs() + request.waitMs
    for (let { waitMs } = request; ; waitMs = Math.max(0, deadlineMs - this.#options.clock.nowMs())) {
      const flying = this.#inFlight.get(commandId)
      if (flying === undefined) {
        return this.#first(waitMs === request.waitMs ? request : { ...request, waitMs }, commandId, fingerprint)
      }
      if (flying.envelope.fingerprint === fingerprint) {
        if (command.concurrent === 'conflict') return { kind: 'refused', code: 'command-in-progress', commandId }
        return this.#wait(flying, { commandId, attemptId: undefined, waitMs })
      }
      if (!command.supersedes) {
        const recorded = await this.#isRecordedFor(commandId, fingerprint).catch((cause: unknown) => ({ cause }))
        if (typeof recorded === 'object')
          return { kind: 'refused', code: 'unavailable', commandId, cause: recorded.cause }
        if (!recorded) return { kind: 'refused', code: 'idempotency-key-reused', commandId }
      }
      // The newer body is the next generation, or the key is in truth this request's, by way of another gateway: it goes
      // on when the running attempt has ended, or was given up.
      const ended = await this.#waits.within(flying.dispatch.resolution, waitMs).catch(() => undefined)
      if (ended === late) return { kind: 'refused', code: 'unavailable', commandId }
    }
  }

  /**
   * With several gateways the attempt in flight here may be the one that is wrong: another gateway took the key for this
   * request, and it stands on the stream. In one process what is in flight is what will stand there.
   */
  async #isRecordedFor(commandId: CommandId, fingerprint: Fingerprint): Promise<boolean> {
    if (!this.#options.readFirst) return false
    const state = await loadKeyState(this.#options.store, streamOf(commandId))
    return state.kind !== 'vacant' && state.kind !== 'removed' && state.fingerprint === fingerprint
  }

  #first(request: CommandRequest, commandId: CommandId, fingerprint: Fingerprint): Promise<Answer> {
    if (this.#refusing) return Promise.resolve({ kind: 'refused', code: 'unavailable', commandId })
    const { clock, ids, transport, readFirst } = this.#options
    const receivedAtMs = clock.nowMs()
    const attemptId = ids.attemptId(receivedAtMs)
    const envelope: CommandEnvelope = {
      v: 1,
      command: request.command.name,
      tenant: request.tenant,
      key: request.key,
      fingerprint,
      attemptId,
      requestId: request.requestId,
      receivedAtMs,
      seed: seedOf(attemptId),
      input: request.input,
      ...(request.traceparent !== undefined && { traceparent: request.traceparent }),
    }
    const looks = readFirst && (!transport.ready() || this.#usedKeys.worthALook(request.command, receivedAtMs))
    const dispatch = looks ? this.#readThenDispatch(request.command, envelope) : transport.dispatch(envelope)
    const flying: InFlight = { envelope, dispatch }
    this.#inFlight.set(commandId, flying)
    dispatch.resolution.then(
      (resolution) => {
        this.#inFlight.delete(commandId)
        this.#usedKeys.note(resolution, attemptId)
        // A first answer is kept by nobody: most keys are never asked for again. A known key has to be kept up to date.
        if (resolution.kind !== 'outcome') return
        if (resolution.attemptId === attemptId) this.#cache.delete(commandId)
        else this.#cache.set(commandId, fingerprint, resolution)
      },
      () => {
        this.#inFlight.delete(commandId)
        this.#usedKeys.forget()
      },
    )
    return this.#wait(flying, { commandId, attemptId, waitMs: request.waitMs })
  }

  /** The attempt is in flight from the first moment on, so that others attach to it while the stream is read. */
  #readThenDispatch(command: Command, envelope: CommandEnvelope): Dispatch {
    const { store, clockSkewMs, transport } = this.#options
    const start = async (): Promise<Dispatch | Resolution> => {
      const decision = await decideFromStream(envelope, { store, command, clockSkewMs })
      const recorded = resolutionOf(envelope, decision, { command, clockSkewMs })
      return recorded ?? transport.dispatch(command.supersedes ? basedOn(envelope, decision) : envelope)
    }
    const started = start()
    let dispatched: Dispatch | undefined
    const resolution = started.then((result) => {
      if (!('resolution' in result)) return result
      dispatched = result
      return result.resolution
    })
    resolution.catch(() => undefined)
    return {
      resolution,
      durable: async () => {
        const result = await started
        if ('resolution' in result) await result.durable()
      },
      attempts: () => dispatched?.attempts() ?? 0,
    }
  }

  #wait(flying: InFlight, caller: Caller): Promise<Answer> {
    if (caller.waitMs === 0) return this.#answerLate(flying, caller)
    return this.#waits.within(flying.dispatch.resolution, caller.waitMs).then(
      (early) => (early === late ? this.#answerLate(flying, caller) : toAnswer(early, caller)),
      (cause: unknown) => refusedBy(cause, caller.commandId),
    )
  }

  /** Without the outcome: 202, as soon as the command is durable. */
  async #answerLate(flying: InFlight, caller: Caller): Promise<Answer> {
    const { commandId } = caller
    try {
      const made = await this.#waits.within(flying.dispatch.durable(), this.#options.durableTimeoutMs, {
        evenWhenDraining: true,
      })
      if (made === late) return { kind: 'refused', code: 'unavailable', commandId }
      // Some become durable by their outcome: whoever asked to wait gets that, and a retry gets what is recorded. A
      // refusal is told to everybody: nothing of this attempt is durable. And what is durable stays so, though its
      // handler lets go of it now.
      const settled = await this.#waits.within(flying.dispatch.resolution, 0).catch((): typeof late => late)
      const mine = settled !== late && settled.kind === 'outcome' && settled.attemptId === caller.attemptId
      if (settled !== late && (caller.waitMs > 0 || !mine)) return toAnswer(settled, caller)
      return { kind: 'pending', commandId, state: 'accepted', attempts: flying.dispatch.attempts() }
    } catch (cause) {
      return refusedBy(cause, commandId)
    }
  }
}

interface Caller {
  readonly commandId: CommandId
  /** Of the attempt that started what it waits for; undefined for one that attached. */
  readonly attemptId: string | undefined
  readonly waitMs: number
}

function refusedBy(cause: unknown, commandId: CommandId): Answer {
  const tooLarge = cause instanceof EventStoreError && cause.code === 'event-too-large'
  return { kind: 'refused', code: tooLarge ? 'body-too-large' : 'unavailable', commandId, cause }
}

/** What the key's newest generation was when the stream was read for this attempt. */
function basedOn(envelope: CommandEnvelope, decision: KeyDecision): CommandEnvelope {
  if (decision.kind === 'execute') return { ...envelope, basedOnGeneration: decision.generation - 1 }
  return decision.kind === 'continue' ? { ...envelope, basedOnGeneration: decision.state.generation } : envelope
}

/** The 32 random bits at the end of the attempt's UUID. */
const seedOf = (attemptId: string): number => Number.parseInt(attemptId.slice(-8), 16)

function toAnswer(
  resolution: Resolution,
  caller: { readonly commandId: CommandId; readonly attemptId: string | undefined; readonly recorded?: boolean },
): Answer {
  const { commandId } = caller
  switch (resolution.kind) {
    case 'outcome': {
      const { response, expiresAtMs, position } = resolution
      const replayed = resolution.attemptId !== caller.attemptId
      const attached = caller.attemptId === undefined && caller.recorded !== true
      const source = attached ? 'attached' : replayed ? 'replayed' : 'executed'
      return { kind: 'response', commandId, response, expiresAtMs, position, replayed, source }
    }
    case 'reused':
      return { kind: 'refused', code: 'idempotency-key-reused', commandId }
    case 'expired':
      return { kind: 'refused', code: 'idempotency-key-expired', commandId }
    case 'superseded':
      return { kind: 'refused', code: 'superseded', commandId }
    case 'in-progress':
      return { kind: 'refused', code: 'command-in-progress', commandId }
    case 'too-large':
      return { kind: 'refused', code: 'body-too-large', commandId }
  }
}
