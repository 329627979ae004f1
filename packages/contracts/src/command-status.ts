import { z } from 'zod'

/** Where a command stands. `pending` is known to one gateway only and not durable yet. */
export const commandStates = ['pending', 'accepted', 'succeeded', 'rejected', 'failed', 'released'] as const
export type CommandStateName = (typeof commandStates)[number]

/** Body of a 202, and the head of `GET /commands/{id}`. */
export const commandProgressSchema = z.object({
  command_id: z.string(),
  state: z.enum(commandStates),
  /** How often the command has been tried by a handler. */
  attempts: z.int().nonnegative(),
})
export type CommandProgress = z.infer<typeof commandProgressSchema>

/** Body of `GET /commands/{id}` and `GET /idempotency-keys/{key}`. */
export const commandStatusSchema = commandProgressSchema.extend({
  command: z.string(),
  /** 1 for the first use of the key, 2 for the first after an expiry or a release, … */
  generation: z.int().positive(),
  /** SHA-256 of the canonical request (RFC 8785), hex. */
  fingerprint: z.string(),
  /** `X-Request-Id` of the attempt that is, or was, executed. */
  request_id: z.string().optional(),
  accepted_at: z.iso.datetime(),
  completed_at: z.iso.datetime().optional(),
  /** From this moment on the key may start a new generation. */
  expires_at: z.iso.datetime().optional(),
  /** When an operator released the key: the next request is the next generation. */
  released: z.object({ at: z.iso.datetime(), by: z.string(), reason: z.string() }).optional(),
  /** The recorded response, once there is one. `body` is exactly the text that was sent. */
  response: z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() }).optional(),
})
export type CommandStatus = z.infer<typeof commandStatusSchema>

/** Body of `POST /idempotency-keys/{key}/release`. */
export const releaseRequestSchema = z.strictObject({
  /** Why; kept in the history. */
  reason: z.string().trim().min(1).max(500),
  /** Whose key; default `default`, the tenant of a gateway without API keys. */
  tenant: z.string().default('default'),
})
