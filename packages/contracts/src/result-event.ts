import { z } from 'zod'

/** How a result came about. The first three end a generation of a key; `released` is an operator's act behind it. */
export const resultOutcomes = ['succeeded', 'rejected', 'failed', 'released'] as const
export type ResultOutcome = (typeof resultOutcomes)[number]

const resultDataSchema = z.object({
  command_id: z.string(),
  /** Name of the command. */
  command: z.string(),
  /** As it was sent, without quotes; for commands that the URI identifies, `<METHOD> <path>`. */
  idempotency_key: z.string(),
  /** 1 for the first use of the key. */
  generation: z.int().positive(),
  outcome: z.enum(resultOutcomes),
  /** With `succeeded`, `rejected` and `failed`. */
  completed_at: z.iso.datetime().optional(),
  expires_at: z.iso.datetime().optional(),
  /** The recorded response; `body` is exactly the text that callers get. */
  response: z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() }).optional(),
  /** With `released`. */
  released: z.object({ at: z.iso.datetime(), by: z.string(), reason: z.string() }).optional(),
})

/**
 * The outcome of a command, or the release of its key, for those who consume results: a CloudEvent 1.0 in JSON.
 *
 * On `GET /results` it is the `data` of a server-sent event, whole. On Kafka it is in binary mode: its attributes are the
 * message's `ce_` headers, and `data` is the value.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export const resultEventSchema = z.object({
  specversion: z.literal('1.0'),
  /** The same for the same result, however often it is delivered: deduplicate by it. */
  id: z.string().min(1),
  source: z.literal('/commands'),
  type: z.enum(resultOutcomes.map((outcome) => `holdfast.command.${outcome}` as const)),
  /** The command id. Results with the same subject come in the order in which they were recorded. */
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  /** Extension attributes: name of the command, and whose it is. */
  command: z.string(),
  tenant: z.string(),
  data: resultDataSchema,
})

export type ResultData = Readonly<z.infer<typeof resultDataSchema>>
export type ResultEvent = Readonly<z.infer<typeof resultEventSchema>>
