/**
 * What Kafka and the event store cost without Holdfast: produce → consume → append → produce → consume, with KafkaJS as
 * it comes (none of the work-arounds of `transport-kafka`, which make it cheaper): idempotent producers, `acks=all`, one
 * send for all that waits in a turn of the event loop. Both ends share this file.
 */
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import kafkajs, { type Consumer, type Kafka, type Message, type Producer } from 'kafkajs'

export const loopTopics = { there: 'bench-loop.there', back: 'bench-loop.back' } as const

export function createKafka(brokers: string): Kafka {
  return new kafkajs.Kafka({ clientId: 'bench-loop', brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
}

const commitIntervalMs = 100

/** Sends all that waits in one request. */
export async function createSender(kafka: Kafka, topic: string): Promise<(message: Message) => void> {
  const producer: Producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 5,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  let waiting: Message[] = []
  return (message) => {
    if (waiting.push(message) > 1) return
    setImmediate(() => {
      const messages = waiting
      waiting = []
      producer.send({ topic, acks: -1, messages }).catch((error: unknown) => {
        throw error
      })
    })
  }
}

/**
 * Hands every message from the end of the topic on to `take`; resolves when the consumer has joined. `commits`: how far it
 * is, ten times a second, as the handler does; the gateway commits nothing of its replies.
 */
export async function consume(
  kafka: Kafka,
  { topic, commits }: { readonly topic: string; readonly commits: boolean },
  take: (message: Message) => void,
): Promise<void> {
  const taken = new Map<number, string>()
  const consumer = kafka.consumer({ groupId: `bench-loop-${process.pid}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: false })
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => {
      resolve()
    })
  })
  await consumer.run({
    // On its own, KafkaJS commits behind each batch of each partition, and waits for it before it fetches again.
    autoCommit: false,
    eachBatch: (payload) => {
      const { partition, messages } = payload.batch
      for (const message of messages) take(message)
      payload.resolveOffset(payload.batch.lastOffset())
      taken.set(partition, payload.batch.lastOffset())
      return Promise.resolve()
    },
  })
  await joined
  if (commits) setInterval(() => void commit(consumer, topic, taken), commitIntervalMs)
}

async function commit(consumer: Consumer, topic: string, taken: Map<number, string>): Promise<void> {
  if (taken.size === 0) return
  const offsets = [...taken].map(([partition, last]) => ({ topic, partition, offset: String(BigInt(last) + 1n) }))
  taken.clear()
  await consumer.commitOffsets(offsets)
}

/** An append as the handler makes it: one event with an expected revision. */
export function createAppend(url: string): (stream: string, data: unknown) => Promise<void> {
  const client = EventStoreDBClient.connectionString(url)
  return async (stream, data) => {
    const event = jsonEvent({
      type: 'OrderPlaced',
      data: { data: JSON.stringify(data) },
      metadata: { note: 'x'.repeat(300) },
    })
    await client.appendToStream(stream, event, { expectedRevision: NO_STREAM })
  }
}
