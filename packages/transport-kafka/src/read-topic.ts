import { TransportError } from '@holdfast/core'
import type { Admin, Kafka, KafkaMessage } from 'kafkajs'
import { createClient, type KafkaConnection } from './client.ts'

/** A message with its place. */
export interface PlacedMessage {
  readonly partition: number
  readonly message: KafkaMessage
}

/**
 * Works with a client of its own, for tools that come and go: a broker that cannot be reached ends it after `deadlineMs`,
 * where the services would wait for ever.
 *
 * @throws TransportError when it takes longer
 */
export async function withKafka<T>(
  connection: KafkaConnection,
  deadlineMs: number,
  work: (kafka: Kafka) => Promise<T>,
): Promise<T> {
  const client = createClient(connection)
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    client.abandon()
    late.reject(new TransportError(`Kafka at ${connection.brokers.join(',')} did not answer within ${deadlineMs} ms`))
  }, deadlineMs)
  const working = work(client.kafka)
  // What it does after the deadline is of no interest.
  working.catch(() => undefined)
  try {
    return await Promise.race([working, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/**
 * Hands over everything that stands in a topic at the time of the call, in order per partition. Joins a group of its own and
 * commits nothing, so that nobody's place in the topic changes. Nothing for a topic that is not there.
 */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  onMessage: (placed: PlacedMessage) => void,
): Promise<void> {
  const ends = await withAdmin(kafka, async (admin) =>
    (await admin.listTopics()).includes(topic) ? admin.fetchTopicOffsets(topic) : [],
  )
  const waitingFor = new Map(
    ends.filter(({ high, low }) => BigInt(high) > BigInt(low)).map(({ partition, high }) => [partition, BigInt(high)]),
  )
  if (waitingFor.size === 0) return
  const consumer = kafka.consumer({ groupId: `holdfast-read-${crypto.randomUUID()}`, maxWaitTimeInMs: 100 })
  const done = Promise.withResolvers<undefined>()
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        const { partition } = batch
        const end = waitingFor.get(partition)
        for (const message of batch.messages) {
          if (end !== undefined && BigInt(message.offset) < end) onMessage({ partition, message })
        }
        if (end !== undefined && BigInt(batch.lastOffset()) + 1n >= end) waitingFor.delete(partition)
        if (waitingFor.size === 0) done.resolve(undefined)
        return Promise.resolve()
      },
    })
    await done.promise
  } finally {
    await consumer.disconnect()
  }
}
