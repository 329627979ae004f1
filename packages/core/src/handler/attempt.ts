import type { CommandId } from '../brands.ts'
import { createContext, type StepContext } from '../command/context.ts'
import type { Command, DomainEvent } from '../command/define-command.ts'
import { isRefusal, type Refusal } from '../command/refusal.ts'
import { renderResponse } from '../command/response.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { keyEventTypes, type StoredResponse } from '../key-state/events.ts'
import type { Clock } from '../ports/clock.ts'
import { LazyAbort } from '../lazy-abort.ts'
import { refusalResponse } from './project-again.ts'
import { withTimeLimit } from './with-time-limit.ts'

/** What a try decided, with the response already projected: nothing is rendered later. */
export interface Decided {
  readonly kind: 'succeeded' | 'rejected'
  readonly events: readonly [DomainEvent, ...DomainEvent[]]
  readonly response: StoredResponse
}

/** A try of `handle` took longer than the command's `retry.timeoutMs`. */
export class AttemptTimeout extends Error {
  override readonly name = 'AttemptTimeout'
}

export interface AttemptOptions {
  readonly command: Command
  readonly commandId: CommandId
  readonly envelope: CommandEnvelope
  readonly clock: Clock
  /** Fires when the process lets go of the command. */
  readonly abort: LazyAbort
  readonly steps: () => StepContext
}

/**
 * Runs `handle` once and projects the response. A command that decides synchronously is answered synchronously: the hot
 * path takes no timer and no further turn of the event loop.
 *
 * @throws whatever the command throws; {@link AttemptTimeout}
 */
export function attempt(options: AttemptOptions): Decided | Promise<Decided> {
  const { command, commandId, envelope, steps } = options
  const timeout = new LazyAbort()
  const signal = (): AbortSignal => AbortSignal.any([timeout.signal, options.abort.signal])
  const result = command.handle(envelope.input, createContext({ envelope, commandId, signal, steps }))
  if (!(result instanceof Promise)) return project(command, envelope, result)
  const { timeoutMs } = command.retry
  const error = (): Error => new AttemptTimeout(`the try took longer than ${timeoutMs} ms`)
  const inTime = withTimeLimit(result, { clock: options.clock, timeoutMs, timeout, error })
  return inTime.then((decided) => project(command, envelope, decided))
}

function project(
  command: Command,
  envelope: CommandEnvelope,
  result: DomainEvent | readonly DomainEvent[] | Refusal,
): Decided {
  if (isRefusal(result)) return projectRefusal(command, envelope, result)
  const events: Decided['events'] = isList(result) ? atLeastOne(result) : [result]
  const last = events.at(-1) ?? events[0]
  return { kind: 'succeeded', events, response: renderResponse(command.respond(last, events)) }
}

const atLeastOne = ([first, ...rest]: readonly DomainEvent[]): Decided['events'] => [
  first ?? { type: keyEventTypes.succeeded, data: {} },
  ...rest,
]

const isList = (result: object): result is readonly DomainEvent[] => Array.isArray(result)

function projectRefusal(command: Command, envelope: CommandEnvelope, refusal: Refusal): Decided {
  const { code, detail, members } = refusal
  return {
    kind: 'rejected',
    events: [{ type: keyEventTypes.rejected, data: { code, detail, ...members } }],
    response: refusalResponse(command, refusal, envelope.requestId),
  }
}
