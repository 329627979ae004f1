import type { Admin, KafkaMessage } from 'kafkajs'
import { createClient } from '../client.ts'
import { silentLogger } from '../logger.ts'

/** Runs `use` with an admin client of its own. */
export async function asAdmin<T>(brokers: readonly string[], use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createClient({ brokers, logger: silentLogger }).kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** A message of a topic, with its place. */
export type Stored = KafkaMessage & { readonly partition: number }

/** All that stands in a topic now, in order per partition. */
export async function readTopic(brokers: readonly string[], topic: string): Promise<readonly Stored[]> {
  const ends = await asAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic))
  const waitingFor = new Map(
    ends.filter(({ high, low }) => BigInt(high) > BigInt(low)).map(({ partition, high }) => [partition, BigInt(high)]),
  )
  const stored: Stored[] = []
  if (waitingFor.size === 0) return stored
  const client = createClient({ brokers, logger: silentLogger })
  const consumer = client.kafka.consumer({ groupId: `read-${crypto.randomUUID()}`, maxWaitTimeInMs: 100 })
  const done = Promise.withResolvers<void>()
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        for (const message of batch.messages) stored.push({ ...message, partition: batch.partition })
        if (BigInt(batch.lastOffset()) + 1n >= (waitingFor.get(batch.partition) ?? 0n))
          waitingFor.delete(batch.partition)
        if (waitingFor.size === 0) done.resolve()
        return Promise.resolve()
      },
    })
    await done.promise
  } finally {
    await consumer.disconnect()
  }
  return stored
}

/** The committed offset of each partition of a group that has one. */
export async function committedOffsets(
  brokers: readonly string[],
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, bigint>> {
  const [found] = await asAdmin(brokers, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
  return new Map(
    (found?.partitions ?? [])
      .map(({ partition, offset }) => [partition, BigInt(offset)] as const)
      .filter(([, offset]) => offset >= 0n),
  )
}
