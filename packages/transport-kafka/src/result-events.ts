import type { JsonObject } from '@holdfast/core'
import type { IHeaders } from 'kafkajs'

/** An outcome for those who consume results: a CloudEvent (1.0). */
export interface ResultEvent {
  /** The same for the same outcome, however often it is published: consumers deduplicate by `source` and `id`. */
  readonly id: string
  readonly type: string
  /** URI reference of where it happened. */
  readonly source: string
  /** RFC 3339. */
  readonly time: string
  readonly subject?: string
  readonly data: JsonObject
  /** Extension attributes; names are lower-case letters and digits. */
  readonly extensions?: Readonly<Record<string, string>>
}

/**
 * Binary content mode of the Kafka protocol binding: attributes as `ce_` headers, the data as value.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export function encodeResult(event: ResultEvent): { readonly headers: IHeaders; readonly value: Buffer } {
  const headers: IHeaders = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: event.type,
    ce_source: event.source,
    ce_time: event.time,
    'content-type': 'application/json',
    ...(event.subject !== undefined && { ce_subject: event.subject }),
  }
  for (const [name, value] of Object.entries(event.extensions ?? {})) headers[`ce_${name}`] = value
  return { headers, value: Buffer.from(JSON.stringify(event.data)) }
}
