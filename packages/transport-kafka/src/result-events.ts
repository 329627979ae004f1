import type { ResultEvent } from '@holdfast/contracts'
import { parseCommandId, streamOf } from '@holdfast/core'
import type { IHeaders } from 'kafkajs'

export interface EncodedResult {
  /** Name of the key's stream: results of one key stay in order. */
  readonly key: Buffer
  readonly headers: IHeaders
  readonly value: Buffer
}

/**
 * Binary content mode of the Kafka protocol binding: attributes as `ce_` headers, the data as value.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export function encodeResult({ data, datacontenttype, ...attributes }: ResultEvent): EncodedResult {
  const commandId = parseCommandId(attributes.subject)
  if (commandId === undefined) throw new TypeError(`"${attributes.subject}" is not a command id`)
  const headers: IHeaders = { 'content-type': datacontenttype }
  for (const [name, value] of Object.entries(attributes)) headers[`ce_${name}`] = value
  return { key: Buffer.from(streamOf(commandId)), headers, value: Buffer.from(JSON.stringify(data)) }
}
