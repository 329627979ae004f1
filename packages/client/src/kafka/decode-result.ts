import { resultEventSchema, type ResultEvent } from '@holdfast/contracts'
import type { IHeaders, KafkaMessage } from 'kafkajs'

/**
 * Reads a result from a message: a CloudEvent in binary mode, its attributes in `ce_` headers, its data in the value.
 *
 * @throws ZodError, or SyntaxError, for what is no result
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export function decodeResult({ headers = {}, value }: Pick<KafkaMessage, 'headers' | 'value'>): ResultEvent {
  const attributes = Object.keys(headers)
    .filter((name) => name.startsWith('ce_'))
    .map((name) => [name.slice('ce_'.length), textOf(headers[name])] as const)
  const data: unknown = JSON.parse(value?.toString() ?? '')
  const datacontenttype = textOf(headers['content-type'])
  return resultEventSchema.parse({ ...Object.fromEntries(attributes), datacontenttype, data })
}

const textOf = (header: IHeaders[string]): string | undefined => [header].flat()[0]?.toString()
