import type { ResultEvent } from '@holdfast/contracts'
import type { CommandEnvelope, Resolution } from '@holdfast/core'
import type { KafkaMessage } from 'kafkajs'
import { SendError } from './batching-sender.ts'
import type { BatchingSender, OutgoingMessage } from './batching-sender.ts'
import { deadLetterHeaders, deadLetterSource } from './dead-letters.ts'
import type { DeadLetterReason } from './dead-letters.ts'
import type { KafkaLogger } from './logger.ts'
import { encodeReply, headerNames } from './messages.ts'
import type { Reply } from './messages.ts'
import type { KafkaTransportMetrics } from './metrics.ts'
import { partitionOf } from './partitioning.ts'
import { encodeResult } from './result-events.ts'
import type { TopicLayout } from './topics.ts'

/** What a handler made of a command. */
export interface ProcessedCommand {
  readonly resolution: Resolution
  /** How often handlers have tried; default: the tries of this process. */
  readonly attempts?: number
  /** Published to `<prefix>.results`, in this order; left out when there is nothing new to tell. */
  readonly results?: readonly ResultEvent[]
}

/** A command as it came. */
export interface ReceivedMessage {
  readonly message: KafkaMessage
  readonly partition: number
}

export interface OutcomePublisherOptions {
  readonly sender: BatchingSender
  readonly layout: TopicLayout
  readonly logger: KafkaLogger
  readonly metrics: KafkaTransportMetrics
}

export interface OutcomePublisher {
  /** Reply, result, and the dead letter of a command that failed. Resolves to false when closed before all were sent. */
  outcome(
    received: ReceivedMessage,
    envelope: CommandEnvelope,
    processed: ProcessedCommand & { readonly attempts: number },
  ): Promise<boolean>
  /** Tells the gateway of a try that failed; not waited for, and nobody minds its loss. */
  progress(received: ReceivedMessage, envelope: CommandEnvelope, attempts: number): void
  /** A message that is not a command. Resolves to false when closed before it was sent. */
  deadLetter(
    received: ReceivedMessage,
    why: { readonly reason: DeadLetterReason; readonly detail: string },
  ): Promise<boolean>
}

/** Headers, key and framing, generously. */
const messageOverheadBytes = 1024

/** Sends what comes of commands; all of it in the same request as whatever else waits in this turn of the event loop. */
export function createOutcomePublisher(options: OutcomePublisherOptions): OutcomePublisher {
  const { sender, layout, logger, metrics } = options
  const { names, partitions } = layout
  const maxValueBytes = layout.maxMessageBytes - messageOverheadBytes

  const replyMessage = ({ message }: ReceivedMessage, reply: Reply): OutgoingMessage | undefined => {
    const instance = header(message, headerNames.replyInstance)
    const partition = Number(header(message, headerNames.replyPartition))
    if (instance === undefined) return undefined
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitions.replies) {
      logger.warn({ instance, partition, partitions: partitions.replies }, 'a reply partition does not exist: no reply')
      return undefined
    }
    const whole = encodeReply(reply)
    const { attemptId, attempts } = reply
    const value = whole.length <= maxValueBytes ? whole : encodeReply({ v: 1, kind: 'look-up', attemptId, attempts })
    return { topic: names.replies, partition, key: Buffer.from(instance), value, headers: {} }
  }

  const deadLetterMessage = (
    received: ReceivedMessage,
    why: { readonly reason: DeadLetterReason; readonly detail: string },
  ): OutgoingMessage => {
    const { message, partition: from } = received
    metrics.deadLettered?.({ reason: why.reason })
    logger.warn({ ...why, partition: from, offset: message.offset }, 'a message goes to the dead letters')
    const source = deadLetterSource({ topic: names.commands, partition: from, offset: message.offset })
    const headers = { ...deadLetterHeaders(why, message.headers), ...source }
    const partition = message.key === null ? 0 : partitionOf(message.key, partitions.deadLetters)
    return { topic: names.deadLetters, partition, key: message.key, value: message.value ?? Buffer.alloc(0), headers }
  }

  const resultMessage = (received: ReceivedMessage, result: ResultEvent): OutgoingMessage => {
    const encoded = encodeResult(result)
    const { length } = encoded.value
    if (length > maxValueBytes) {
      const detail = `result ${result.id} has ${length} bytes; the event store has it`
      return deadLetterMessage(received, { reason: 'result-too-large', detail })
    }
    return { topic: names.results, partition: partitionOf(encoded.key, partitions.results), ...encoded }
  }

  /** True when each is acknowledged, or refused for good: what the broker never takes must not hold up the rest. */
  const sendAll = async (messages: readonly (OutgoingMessage | undefined)[]): Promise<boolean> => {
    const present = messages.filter((message) => message !== undefined)
    const outcomes = await Promise.allSettled(present.map((message) => sender.send(message).acknowledged))
    let finished = true
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue
      const { topic, partition } = present[index] ?? {}
      if (outcome.reason instanceof SendError && outcome.reason.kind === 'closed') finished = false
      else
        logger.error({ err: outcome.reason as unknown, topic, partition }, 'a message is refused for good, and dropped')
    }
    return finished
  }

  return {
    outcome: (received, { attemptId }, { resolution, attempts, results = [] }) => {
      // A replay of a failure is not another failure.
      const failed =
        resolution.kind === 'outcome' && resolution.outcome === 'failed' && resolution.attemptId === attemptId
      return sendAll([
        replyMessage(received, { v: 1, kind: 'resolution', attemptId, attempts, resolution }),
        ...results.map((result) => resultMessage(received, result)),
        failed
          ? deadLetterMessage(received, { reason: 'command-failed', detail: resolution.response.body })
          : undefined,
      ])
    },
    progress: (received, { attemptId }, attempts) => {
      void sendAll([replyMessage(received, { v: 1, kind: 'progress', attemptId, attempts })])
    },
    deadLetter: (received, why) => sendAll([deadLetterMessage(received, why)]),
  }
}

function header({ headers }: KafkaMessage, name: string): string | undefined {
  const value = headers?.[name]
  return value === undefined || Array.isArray(value) ? undefined : value.toString()
}
