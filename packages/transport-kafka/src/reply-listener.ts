import type { EachBatchPayload } from 'kafkajs'
import type { KafkaConnection } from './client.ts'
import { fixedPartitionAssigner } from './fixed-partition-assigner.ts'
import { decodeReply } from './messages.ts'
import type { Reply } from './messages.ts'
import type { KafkaTransportMetrics } from './metrics.ts'
import { superviseConsumer } from './supervised-consumer.ts'
import type { SupervisedConsumer } from './supervised-consumer.ts'

export interface ReplyListenerOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly partition: number
  /** Replies to others on the same partition are passed over. */
  readonly instanceId: string
  /** Where to start: the end of the partition, as it was before the first command. */
  readonly startOffset: bigint
  readonly metrics: KafkaTransportMetrics
  readonly onReply: (reply: Reply) => void
}

/**
 * Reads one gateway's partition of the replies, from its start on, and over every rebalance and replacement from where
 * it was. Nothing is committed: a reply is for attempts that wait in this process.
 *
 * The group is new at each start and for each replacement. Under an old id the join waits until the dead member's
 * session has ended (measured: 29.5 s with the default session).
 */
export function listenForReplies(options: ReplyListenerOptions): SupervisedConsumer {
  const { connection, topic, partition, instanceId } = options
  let next = options.startOffset

  const eachBatch = (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload
    for (const { key, value, offset } of batch.messages) {
      if (BigInt(offset) < next) continue
      next = BigInt(offset) + 1n
      if (key?.toString() !== instanceId) continue
      const reply = decodeReply(value)
      if (reply.kind === 'read') options.onReply(reply.value)
      else
        connection.logger.warn(
          { topic, partition, offset, ...reply },
          'a reply cannot be read; its attempt is looked up',
        )
    }
    payload.resolveOffset(batch.lastOffset())
    return Promise.resolve()
  }

  return superviseConsumer({
    connection,
    topic,
    groupId: () => `${topic}.${instanceId}.${crypto.randomUUID()}`,
    partitionAssigner: fixedPartitionAssigner(topic, partition),
    fromBeginning: false,
    maxBytesPerPartition: 1024 * 1024,
    metrics: options.metrics,
    eachBatch,
    // Without it each join would start at the end, and what came meanwhile would be lost (that is: looked up).
    onJoin: ({ consumer }) => consumer.seek({ topic, partition, offset: String(next) }),
  })
}
