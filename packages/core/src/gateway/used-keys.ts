import type { Command } from '../command/define-command.ts'
import type { Resolution } from '../ports/command-transport.ts'

/** So much a single attempt moves the estimate. */
const weight = 1 / 32
/**
 * Above this share of used keys a look at the stream pays. It spares a used key the journey to a handler, an append in
 * vain and a look there: about as much as two further looks and a command. Every new key pays for it with one look.
 */
const worthAShare = 1 / 8
/** After so long without any answer, milliseconds, something is away: a look tells what is recorded, or which it is. */
const silenceMs = 1_000
const asyncFunction: unknown = Object.getPrototypeOf(async () => undefined)

/**
 * Which attempts are worth a look at their key's stream before they are dispatched: where the transport is a journey,
 * that is a second one. It is no question of right or wrong, for the handler's append finds out: it expects a stream
 * that is not there, and on a conflict the stream is read. So it follows the callers: while most send new keys, commands
 * are dispatched at once; when many come again, what is recorded is answered from here.
 */
export class UsedKeys {
  /** Share of the last attempts whose key was used before. Retries are likely behind a start. */
  #share = 1
  /** When the first attempt was dispatched without a look since the last answer to any. */
  #askedAtMs: number | undefined

  /**
   * True when the stream is to be read before the attempt is dispatched. Always for what only the stream can tell the
   * gateway (a command that supersedes, or that answers "in progress"), and for a command that may take long, which
   * nobody should execute in vain.
   */
  worthALook(command: Command, nowMs: number): boolean {
    const isSilent = this.#askedAtMs !== undefined && nowMs - this.#askedAtMs > silenceMs
    const mayTakeLong = Object.getPrototypeOf(Reflect.get(command, 'handle')) === asyncFunction
    const looks =
      this.#share > worthAShare || isSilent || mayTakeLong || command.supersedes || command.concurrent === 'conflict'
    if (!looks) this.#askedAtMs ??= nowMs
    return looks
  }

  /** What became of an attempt. */
  note(resolution: Resolution, attemptId: string): void {
    const isNew =
      resolution.kind === 'too-large' || (resolution.kind === 'outcome' && resolution.attemptId === attemptId)
    this.#share += ((isNew ? 0 : 1) - this.#share) * weight
    this.#askedAtMs = undefined
  }

  /** An attempt was given up: with the store or the handlers away, a look tells it soonest. */
  forget(): void {
    this.#share = 1
    this.#askedAtMs = undefined
  }
}
