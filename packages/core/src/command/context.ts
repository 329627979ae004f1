import type { CommandId, IdempotencyKey, Tenant } from '../brands.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { JsonObject } from '../json.ts'
import type { Execute } from '../aggregate/define-aggregate.ts'
import { createRefusal, type Refusal } from './refusal.ts'
import type { Step } from './step.ts'

/**
 * What a command may know besides its input. All of it is fixed in the recorded envelope, so that a redelivery decides
 * the same.
 */
export interface CommandContext<RefusalCode extends string = string> {
  /** UUID v7, unique for this generation of the key: use it as the id of what the command creates. */
  readonly id: string
  readonly commandId: CommandId
  readonly tenant: Tenant
  readonly key: IdempotencyKey
  /** When the gateway received the command. The same at each call. */
  now(): Date
  /** The next number of a recorded sequence, 0 ≤ n < 1. */
  random(): number
  /** Fires when the attempt has run out of time, or the process lets go of the command. */
  readonly signal: AbortSignal
  /** Makes a business refusal: return it from `handle`. The steps that were completed are undone. */
  refuse(code: RefusalCode, detail: string, members?: JsonObject): Refusal<RefusalCode>
  /** Runs a durable step: the only place for effects. */
  readonly step: Step
  /** Acts on an aggregate, as a durable step. */
  readonly execute: Execute
}

/** What a context needs to run steps; asked for only by commands that have some. */
export interface StepContext {
  readonly step: Step
  readonly execute: Execute
}

export interface ContextParts {
  readonly envelope: CommandEnvelope
  readonly commandId: CommandId
  /** Asked for only when the command looks at it. */
  readonly signal: () => AbortSignal
  readonly steps: () => StepContext
}

/** Builds the context of one try. */
export const createContext = (parts: ContextParts): CommandContext => new Context(parts)

/** Makes what the command asks for when it asks: most ask for their id alone. What it gives can be taken out of it. */
class Context implements CommandContext {
  readonly #parts: ContextParts
  #random: (() => number) | undefined

  constructor(parts: ContextParts) {
    this.#parts = parts
  }

  get id(): string {
    return this.#parts.envelope.attemptId
  }

  get commandId(): CommandId {
    return this.#parts.commandId
  }

  get tenant(): Tenant {
    return this.#parts.envelope.tenant
  }

  get key(): IdempotencyKey {
    return this.#parts.envelope.key
  }

  get now(): () => Date {
    const { receivedAtMs } = this.#parts.envelope
    return () => new Date(receivedAtMs)
  }

  get random(): () => number {
    this.#random ??= mulberry32(this.#parts.envelope.seed)
    return this.#random
  }

  get signal(): AbortSignal {
    return this.#parts.signal()
  }

  get refuse(): typeof createRefusal {
    return createRefusal
  }

  get step(): Step {
    return this.#parts.steps().step
  }

  get execute(): Execute {
    return this.#parts.steps().execute
  }
}

/** A small generator with a 32-bit state (Tommy Ettinger, public domain): not for secrets, good for decisions. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
