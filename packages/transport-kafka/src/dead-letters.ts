import type { IHeaders } from 'kafkajs'
import type { UnreadableReason } from './messages.ts'

/** Why a message is in the dead letters. */
export type DeadLetterReason = UnreadableReason | 'command-failed' | 'result-too-large'

/** In the detail go problem documents and parser messages; a header is no place for long ones. */
const maxDetailCharacters = 1000

/** Headers that say why, beside the message's own. */
export function deadLetterHeaders(
  why: { readonly reason: DeadLetterReason; readonly detail: string },
  own: IHeaders = {},
): IHeaders {
  return {
    ...own,
    'dead-letter-reason': why.reason,
    'dead-letter-detail': why.detail.slice(0, maxDetailCharacters),
    'dead-letter-at': new Date().toISOString(),
  }
}

/** Headers that say from where, for what came over Kafka. */
export function deadLetterSource(source: {
  readonly topic: string
  readonly partition: number
  readonly offset: string
}): IHeaders {
  return {
    'dead-letter-topic': source.topic,
    'dead-letter-partition': String(source.partition),
    'dead-letter-offset': source.offset,
  }
}
