import type { ResultEvent } from '@holdfast/contracts'
import { commandIdOf, streamOf, type CommandEnvelope } from '@holdfast/core'
import { untilAborted } from './backoff.ts'
import type { KafkaConnection } from './client.ts'
import { silentLogger } from './logger.ts'
import type { KafkaLogger } from './logger.ts'
import { SendError, type OutgoingMessage } from './batching-sender.ts'
import { deadLetterHeaders, type DeadLetterReason } from './dead-letters.ts'
import { encodeCommand } from './messages.ts'
import { partitionOf } from './partitioning.ts'
import { createKafkaSender } from './producer.ts'
import { encodeResult } from './result-events.ts'
import { withAdmin } from './topic-setup.ts'
import { ensureTopics } from './topics.ts'
import type { TopicLayout, TopicOptions } from './topics.ts'

export interface KafkaResultPublisherOptions extends TopicOptions, Omit<KafkaConnection, 'logger'> {
  readonly logger?: KafkaLogger
}

/** Publishes what comes of commands elsewhere than on the path from Kafka, through a producer of its own. */
export interface KafkaResultPublisher {
  /**
   * In this order to `<prefix>.results`. Resolves when all in-sync replicas have them; brokers that are away are waited
   * for. A result that the broker refuses for good (its size) is logged and passed over: the event store has it.
   *
   * @throws SendError when the publisher is closed before that
   * @throws KafkaSetupError what a person has to put right
   */
  publish(results: readonly ResultEvent[]): Promise<void>
  /** A command that failed for good, to `<prefix>.dead-letters`; as `publish`. */
  deadLetter(
    envelope: CommandEnvelope,
    why: { readonly reason: DeadLetterReason; readonly detail: string },
  ): Promise<void>
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

  const send = async (message: OutgoingMessage, id: string): Promise<void> => {
    try {
      await sender.send(message).acknowledged
    } catch (error) {
      if (!(error instanceof SendError) || error.kind !== 'refused') throw error
      logger.error({ err: error, id, topic: message.topic }, 'a message is refused for good, and passed over')
    }
  }

  const layoutOf = async (): Promise<TopicLayout> =>
    (layout ??= await withAdmin(connection, closing.signal, (admin) => ensureTopics(admin, options, logger)))

  return {
    publish: async (results) => {
      if (results.length === 0) return
      const { names, partitions } = await layoutOf()
      const sent = results.map((result) => {
        const encoded = encodeResult(result)
        const partition = partitionOf(encoded.key, partitions.results)
        return send({ topic: names.results, partition, ...encoded }, result.id)
      })
      await untilAborted(Promise.all(sent), closing.signal)
    },
    deadLetter: async (envelope, why) => {
      const { names, partitions } = await layoutOf()
      const key = Buffer.from(streamOf(commandIdOf(envelope.tenant, envelope.key)))
      const partition = partitionOf(key, partitions.deadLetters)
      logger.warn({ ...why, attemptId: envelope.attemptId }, 'a command goes to the dead letters')
      const letter = { topic: names.deadLetters, partition, key, value: encodeCommand(envelope) }
      const sent = send({ ...letter, headers: deadLetterHeaders(why) }, envelope.attemptId)
      await untilAborted(sent, closing.signal)
    },
    close: async () => {
      closing.abort(new SendError('closed', 'the publisher is closed'))
      await sender.close(closeTimeoutMs)
    },
  }
}
