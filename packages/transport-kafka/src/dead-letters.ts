import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { UnreadableReason } from './messages.ts'

/** Why a message is in the dead letters. */
export type DeadLetterReason = UnreadableReason | 'command-failed' | 'result-too-large'

/** Headers that say why and from where; the message's own headers stay beside them, its key and value are its own. */
export function deadLetterHeaders(
  message: KafkaMessage,
  source: { readonly topic: string; readonly partition: number },
  why: { readonly reason: DeadLetterReason; readonly detail: string },
): IHeaders {
  return {
    ...message.headers,
    'dead-letter-reason': why.reason,
    'dead-letter-detail': why.detail.slice(0, 1000),
    'dead-letter-topic': source.topic,
    'dead-letter-partition': String(source.partition),
    'dead-letter-offset': message.offset,
    'dead-letter-at': new Date().toISOString(),
  }
}
