import type { CommandEnvelope, JsonObject, Resolution } from '@holdfast/core'
import { z } from 'zod'

/**
 * What travels, as JSON in UTF-8. Each message carries its version in `v`; a reader refuses versions that it does not
 * know, and ignores members that it does not know.
 */
export type Decoded<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason; readonly detail: string }

export type UnreadableReason = 'empty' | 'not-json' | 'unknown-version' | 'schema'

/** Headers of a command: where its reply goes. Without them nobody waits for one. */
export const headerNames = {
  replyPartition: 'reply-partition',
  replyInstance: 'reply-instance',
  traceparent: 'traceparent',
} as const

const millis = z.int().nonnegative()
const generation = z.int().positive()

const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'an object',
)

const envelopeSchema = z.object({
  v: z.literal(1),
  command: z.string().min(1),
  tenant: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  key: z.string().min(1),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  attemptId: z.string().min(1),
  requestId: z.string(),
  receivedAtMs: millis,
  seed: z.int().min(0).max(0xffff_ffff),
  input: jsonObject,
  basedOnGeneration: z.int().nonnegative().optional(),
  traceparent: z.string().optional(),
})

const resolutionSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('outcome'),
    outcome: z.enum(['succeeded', 'rejected', 'failed']),
    response: z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() }),
    generation,
    attemptId: z.string(),
    completedAtMs: z.number(),
    expiresAtMs: z.number(),
    // Absent from a handler of an older version.
    position: z.string().default(''),
  }),
  z.object({ kind: z.literal('reused') }),
  z.object({ kind: z.literal('expired') }),
  z.object({ kind: z.literal('superseded') }),
  z.object({ kind: z.literal('in-progress') }),
  z.object({ kind: z.literal('too-large') }),
]) satisfies z.ZodType<Resolution>

const replySchema = z.discriminatedUnion('kind', [
  z.object({
    v: z.literal(1),
    kind: z.literal('resolution'),
    attemptId: z.string(),
    attempts: z.int().positive(),
    resolution: resolutionSchema,
  }),
  z.object({ v: z.literal(1), kind: z.literal('progress'), attemptId: z.string(), attempts: z.int().positive() }),
  z.object({ v: z.literal(1), kind: z.literal('look-up'), attemptId: z.string(), attempts: z.int().positive() }),
])

/**
 * From a handler to the gateway that waits.
 *
 * - `resolution`: what became of the attempt
 * - `progress`: a try failed, another follows
 * - `look-up`: resolved, but too large for a reply: the key's stream has it
 */
export type Reply = z.infer<typeof replySchema>

/** `CommandEnvelope` as bytes; its version is the envelope's own `v`. */
export function encodeCommand(envelope: CommandEnvelope): Buffer {
  return Buffer.from(JSON.stringify(envelope))
}

export function decodeCommand(bytes: Buffer | null): Decoded<CommandEnvelope> {
  // The brands are what the schema has just checked.
  return decode(bytes, envelopeSchema) as Decoded<CommandEnvelope>
}

export function encodeReply(reply: Reply): Buffer {
  return Buffer.from(JSON.stringify(reply))
}

export function decodeReply(bytes: Buffer | null): Decoded<Reply> {
  return decode(bytes, replySchema)
}

function decode<T>(bytes: Buffer | null, schema: z.ZodType<T>): Decoded<T> {
  if (bytes === null) return unreadable('empty', 'the message has no value')
  let json: unknown
  try {
    json = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    return unreadable('not-json', (error as Error).message)
  }
  const version = typeof json === 'object' && json !== null && 'v' in json ? json.v : undefined
  if (version !== 1) return unreadable('unknown-version', `version ${JSON.stringify(version)}, and 1 is known`)
  const result = schema.safeParse(json)
  if (result.success) return { kind: 'read', value: result.data }
  const [issue] = result.error.issues
  return unreadable('schema', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`)
}

const unreadable = <T>(reason: UnreadableReason, detail: string): Decoded<T> => ({ kind: 'unreadable', reason, detail })
