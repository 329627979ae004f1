/**
 * What Kafka and the event store cost without Holdfast: produce → consume → append → produce → consume, with KafkaJS as fast as
 * it goes: idempotent producers, `acks=all`, one send for all that waits in a turn of the event loop. Both ends share this file.
 */
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs'

export const loopTopics = { there: 'bench-loop.there', back: 'bench-loop.back' } as const

export function createKafka(brokers: string): Kafka {
  return new kafkajs.Kafka({ clientId: 'bench-loop', brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
}

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

/** Hands every message from the end of the topic on to `take`; resolves when the consumer has joined. */
export async function consume(kafka: Kafka, topic: string, take: (message: Message) => void): Promise<void> {
  const consumer = kafka.consumer({ groupId: `bench-loop-${process.pid}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: false })
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => {
      resolve()
    })
  })
  await consumer.run({
    eachBatch: async (payload) => {
      for (const message of payload.batch.messages) take(message)
      payload.resolveOffset(payload.batch.lastOffset())
    },
  })
  await joined
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
