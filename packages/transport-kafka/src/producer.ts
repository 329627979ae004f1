import { createClient, endlessRetry } from './client.ts'
import type { KafkaConnection } from './client.ts'
import { createBatchingSender } from './batching-sender.ts'
import type { BatchingSender } from './batching-sender.ts'
import type { KafkaTransportMetrics } from './metrics.ts'

/** The one way out of a process: an idempotent producer with `acks=all`, behind a batching sender. */
export function createKafkaSender(connection: KafkaConnection, metrics: KafkaTransportMetrics): BatchingSender {
  const client = createClient(connection)
  return createBatchingSender({
    connect: async () => {
      const producer = client.kafka.producer({
        idempotent: true,
        allowAutoTopicCreation: false,
        retry: endlessRetry,
        // Each message names its partition (partitioning.ts); being explicit also silences KafkaJS's start-up warning.
        createPartitioner:
          () =>
          ({ message }) =>
            message.partition ?? 0,
      })
      await producer.connect()
      return producer
    },
    abandon: () => client.abandon(),
    logger: connection.logger,
    metrics,
  })
}
