/**
 * A handler as a process of its own, so that it can be killed. Commands whose input says `hold` never end; all others
 * end at once. Tells its parent what it begins.
 */
import { createKafkaCommandConsumer } from '../command-consumer.ts'
import { outcomeOf } from './commands.ts'

/** Sent to the parent. */
export type HandlerNews = { readonly kind: 'started' } | { readonly kind: 'begun'; readonly attemptId: string }

const [brokers = '', topicPrefix = ''] = process.argv.slice(2)
const tell = (news: HandlerNews) => process.send?.(news)

const consumer = createKafkaCommandConsumer({
  brokers: brokers.split(','),
  topicPrefix,
  process: (envelope) => {
    tell({ kind: 'begun', attemptId: envelope.attemptId })
    if (envelope.input['hold'] === true) return new Promise(() => undefined)
    return Promise.resolve({ resolution: outcomeOf(envelope) })
  },
})
await consumer.started
tell({ kind: 'started' })
