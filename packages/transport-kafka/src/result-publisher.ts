import type { ResultEvent } from '@holdfast/contracts'
import { untilAborted } from './backoff.ts'
import type { KafkaConnection } from './client.ts'
import { silentLogger } from './logger.ts'
import type { KafkaLogger } from './logger.ts'
import { SendError } from './batching-sender.ts'
import { partitionOf } from './partitioning.ts'
import { createKafkaSender } from './producer.ts'
import { encodeResult } from './result-events.ts'
import { withAdmin } from './topic-setup.ts'
import { ensureTopics } from './topics.ts'
import type { TopicLayout, TopicOptions } from './topics.ts'

export interface KafkaResultPublisherOptions extends TopicOptions, Omit<KafkaConnection, 'logger'> {
  readonly logger?: KafkaLogger
}

/** Publishes results that come from elsewhere than the command path, through a producer of its own. */
export interface KafkaResultPublisher {
  /**
   * In this order to `<prefix>.results`. Resolves when all in-sync replicas have them; brokers that are away are waited
   * for. A result that the broker refuses for good (its size) is logged and passed over: the event store has it.
   *
   * @throws SendError when the publisher is closed before that
   * @throws KafkaSetupError what a person has to put right
   */
  publish(results: readonly ResultEvent[]): Promise<void>
  close(): Promise<void>
}

const closeTimeoutMs = 5000

/** Nothing is connected before the first result. */
export function createKafkaResultPublisher(options: KafkaResultPublisherOptions): KafkaResultPublisher {
  const { logger = silentLogger } = options
  const connection: KafkaConnection = { ...options, logger }
  const closing = new AbortController()
  const sender = createKafkaSender(connection, {})
  let layout: TopicLayout | undefined

  const send = async (result: ResultEvent, { names, partitions }: TopicLayout): Promise<void> => {
    const encoded = encodeResult(result)
    const partition = partitionOf(encoded.key, partitions.results)
    try {
      await sender.send({ topic: names.results, partition, ...encoded }).acknowledged
    } catch (error) {
      if (!(error instanceof SendError) || error.kind !== 'refused') throw error
      logger.error({ err: error, id: result.id }, 'a result is refused for good, and passed over')
    }
  }

  return {
    publish: async (results) => {
      if (results.length === 0) return
      layout ??= await withAdmin(connection, closing.signal, (admin) => ensureTopics(admin, options, logger))
      const topics = layout
      await untilAborted(Promise.all(results.map((result) => send(result, topics))), closing.signal)
    },
    close: async () => {
      closing.abort(new SendError('closed', 'the publisher is closed'))
      await sender.close(closeTimeoutMs)
    },
  }
}
