import type { JsonObject } from './json.ts'
import type { Fingerprint, IdempotencyKey, Tenant } from './brands.ts'

/**
 * A command on its way to a handler: what was asked, by whom, under which key. Everything that a handler may not
 * decide twice (id, time, seed) is fixed here, at the gateway, so that a redelivery decides the same.
 */
export interface CommandEnvelope {
  readonly v: 1
  /** Name of the command definition. */
  readonly command: string
  readonly tenant: Tenant
  readonly key: IdempotencyKey
  readonly fingerprint: Fingerprint
  /** UUID v7 of this attempt, new for each request that reaches a handler; `ctx.id` for the command. */
  readonly attemptId: string
  /** Id of the HTTP request, for the log. */
  readonly requestId: string
  /** The gateway's clock, milliseconds since the epoch; `ctx.now()` for the command. */
  readonly receivedAtMs: number
  /** Seed of `ctx.random()`: 32 unsigned bits. */
  readonly seed: number
  /** The validated input. */
  readonly input: JsonObject
  /**
   * Newest generation of the key that its gateway knew when it sent this attempt, 0 for none. Given where the command
   * supersedes, so that an attempt which was under way for long does not supersede what came after it.
   */
  readonly basedOnGeneration?: number
  /** W3C trace context, if the request carried one. */
  readonly traceparent?: string
}
