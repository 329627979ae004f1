import type { z } from 'zod'
import type { JsonObject, JsonValue } from '../json.ts'
import type { CommandContext } from './context.ts'
import type { Refusal, RefusalEntry } from './refusal.ts'
import type { CommandResponse } from './response.ts'
import type { RetryPolicy } from './retry-policy.ts'

export interface DomainEvent<Type extends string = string, Data extends JsonObject = JsonObject> {
  readonly type: Type
  readonly data: Data
  /**
   * Version of `data`, a whole number from 1; stored in the event's metadata. Raise it when their shape changes, and say in
   * `defineApp({ upcast })` how older ones are read. Default 1.
   */
  readonly version?: number
}

export type HttpMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Route {
  readonly method: HttpMethod
  /** With parameters in braces: `/api/orders/{order_id}`. They become members of the input. */
  readonly path: string
}

/** The pauses and the time for each try bound how long a key can be in progress. */
const defaultRetry: RetryPolicy = { attempts: 5, initialDelayMs: 100, maxDelayMs: 10_000, timeoutMs: 30_000 }
const dayMs = 86_400_000
/** A thousand years: JSON has no infinity, and `Idempotency-Expires` no year beyond 9999 (RFC 3339). */
const maxRetentionMs = 1_000 * 365 * dayMs
/** A longer timer fires at once. */
const maxTimerMs = 2 ** 31 - 1

type MaybePromise<T> = T | Promise<T>

export interface CommandSpec<
  Name extends string,
  Schema extends z.ZodType<object>,
  Event extends DomainEvent,
  Refusals extends Readonly<Record<string, RefusalEntry>>,
  Answer extends CommandResponse = CommandResponse,
  At extends Route = Route,
> {
  /** `<noun>.<verb>`, unique in the application; part of the fingerprint, so renaming it is a new command. */
  readonly name: Name
  readonly route: At
  /** One sentence for `/openapi.json`. */
  readonly summary?: string
  /** Schema of the JSON body together with the path's parameters. Its output must be JSON. */
  readonly input: Schema
  /** Schema of the success body, for `/openapi.json`. */
  readonly output?: z.ZodType
  /** Status of the success answer, for `/openapi.json`. Default 201 for POST, else 200. */
  readonly successStatus?: number
  /** `key` (default): the caller names the request by `Idempotency-Key`. `uri`: method and path name it. */
  readonly identity?: 'key' | 'uri'
  /** With `identity: 'uri'`: another body is the next generation, not 422. Default false. */
  readonly supersedes?: boolean
  /** What a retry meets while the first attempt runs: it waits for the outcome (default), or gets 409. */
  readonly concurrent?: 'attach' | 'conflict'
  /** What an expired key meets: it executes as a new generation (default), or gets 410. */
  readonly expired?: 'execute' | 'gone'
  /** How long the outcome is replayed, from completion. Default 24 hours, at most a thousand years. */
  readonly retentionMs?: number
  /**
   * How long the history of a key is kept after the key has expired, milliseconds; then its events are removed, and one
   * that says so is left. A key that is used again meanwhile keeps all of it. Default: it is kept for ever.
   */
  readonly historyRetentionMs?: number
  /** Tries of the whole command. Default: 5 attempts, 100 ms doubling to 10 s, 30 s for each. */
  readonly retry?: Partial<RetryPolicy>
  /** Codes that `ctx.refuse` may use. */
  readonly refusals?: Refusals
  /** Narrows what makes two requests "the same". Default: the whole validated input. */
  fingerprint?(input: z.output<Schema>): JsonValue
  /** Decides. Without steps it must be pure: no effect, and nothing from outside `input` and `ctx`. Throw for faults only. */
  handle(
    input: z.output<Schema>,
    ctx: CommandContext<Extract<keyof Refusals, string>>,
  ): MaybePromise<Event | readonly Event[] | Refusal>
  /** Projects the answer from the last event (and, if it needs them, all of them). Pure. */
  respond(event: Event, events: readonly Event[]): Answer
}

/** A command with its defaults resolved. */
export interface Command<
  Name extends string = string,
  Schema extends z.ZodType<object> = z.ZodType<object>,
  Event extends DomainEvent = DomainEvent,
  Refusals extends Readonly<Record<string, RefusalEntry>> = Readonly<Record<string, RefusalEntry>>,
  Answer extends CommandResponse = CommandResponse,
  At extends Route = Route,
> extends CommandSpec<Name, Schema, Event, Refusals, Answer, At> {
  readonly identity: 'key' | 'uri'
  readonly supersedes: boolean
  readonly concurrent: 'attach' | 'conflict'
  readonly expired: 'execute' | 'gone'
  readonly retentionMs: number
  readonly retry: RetryPolicy
  readonly refusals: Refusals
  readonly successStatus: number
  /** Names in the path's braces. */
  readonly params: readonly string[]
}

/**
 * Defines a command: its route, its input, its decision, and how the answer is projected from the event.
 *
 * @throws TypeError when the definition contradicts itself; at start, not at the first request
 */
export function defineCommand<
  const Name extends string,
  Schema extends z.ZodType<object>,
  Event extends DomainEvent,
  const Refusals extends Readonly<Record<string, RefusalEntry>> = Readonly<Record<never, RefusalEntry>>,
  Answer extends CommandResponse = CommandResponse,
  const At extends Route = Route,
>(spec: CommandSpec<Name, Schema, Event, Refusals, Answer, At>): Command<Name, Schema, Event, Refusals, Answer, At> {
  const fail = (reason: string): never => {
    throw new TypeError(`command "${spec.name}": ${reason}`)
  }
  if (!/^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*$/.test(spec.name)) fail('a name looks like "order.place"')
  if (!spec.route.path.startsWith('/')) fail('the path must start with "/"')
  const identity = spec.identity ?? 'key'
  const retry = { ...defaultRetry, ...spec.retry }
  if (spec.supersedes === true && identity !== 'uri') fail('supersedes needs identity: "uri"')
  if (!Number.isInteger(retry.attempts) || retry.attempts < 1) fail('retry.attempts must be at least 1')
  for (const name of ['initialDelayMs', 'maxDelayMs', 'timeoutMs'] as const) {
    if (!(retry[name] >= 0 && retry[name] <= maxTimerMs)) fail(`retry.${name} must be between 0 and ${maxTimerMs}`)
  }
  const retentionMs = spec.retentionMs ?? dayMs
  if (!(retentionMs >= 0 && retentionMs <= maxRetentionMs)) {
    fail(`retentionMs must be between 0 and ${maxRetentionMs} (a thousand years)`)
  }
  const { historyRetentionMs } = spec
  if (historyRetentionMs !== undefined && !(historyRetentionMs >= 0 && historyRetentionMs <= maxRetentionMs)) {
    fail(`historyRetentionMs must be between 0 and ${maxRetentionMs} (a thousand years)`)
  }
  for (const [code, { status }] of Object.entries(spec.refusals ?? {})) {
    if (!/^[a-z][a-z0-9-]*$/.test(code)) fail(`the refusal code "${code}" is not kebab-case`)
    if (!(status >= 400 && status <= 499)) fail(`the refusal "${code}" must have a 4xx status`)
  }
  return {
    ...spec,
    identity,
    supersedes: spec.supersedes ?? false,
    concurrent: spec.concurrent ?? 'attach',
    expired: spec.expired ?? 'execute',
    retentionMs,
    retry,
    refusals: spec.refusals ?? ({} as Refusals),
    successStatus: spec.successStatus ?? (spec.route.method === 'POST' ? 201 : 200),
    params: [...spec.route.path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] ?? ''),
  }
}
