import type { ResultEvent } from '@holdfast/contracts'
import type { IHeaders } from 'kafkajs'

/**
 * Binary content mode of the Kafka protocol binding: attributes as `ce_` headers, the data as value.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export function encodeResult({ data, datacontenttype, ...attributes }: ResultEvent): {
  readonly headers: IHeaders
  readonly value: Buffer
} {
  const headers: IHeaders = { 'content-type': datacontenttype }
  for (const [name, value] of Object.entries(attributes)) headers[`ce_${name}`] = value
  return { headers, value: Buffer.from(JSON.stringify(data)) }
}
