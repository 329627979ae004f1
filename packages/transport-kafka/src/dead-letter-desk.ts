import { systemClock, systemIds, TransportError, type CommandEnvelope } from '@holdfast/core'
import type { IHeaders, Kafka, KafkaMessage } from 'kafkajs'
import type { KafkaConnection } from './client.ts'
import { decodeCommand, encodeCommand, headerNames } from './messages.ts'
import { partitionOf } from './partitioning.ts'
import { readTopic, withAdmin, withKafka, type PlacedMessage } from './read-topic.ts'
import { topicNames } from './topics.ts'

/** A message on `<prefix>.dead-letters`. */
export interface DeadLetter {
  /** `<partition>:<offset>`: names it as long as the topic keeps it. */
  readonly place: string
  /** Why it is there; see `DeadLetterReason`. '' when somebody else has put it there. */
  readonly reason: string
  readonly detail: string
  /** RFC 3339; '' when it does not say. */
  readonly at: string
  /** Where it was met: topic, partition and offset. '' for a command that was finished from the event store. */
  readonly source: string
  /** Undefined for what is no command. */
  readonly envelope: CommandEnvelope | undefined
}

export interface DeadLetterDesk {
  /** Those that stand there now, by partition and offset. */
  list(): Promise<readonly DeadLetter[]>
  /**
   * Publishes the commands of these letters again, each as a new attempt at the same request: an attempt that has had its
   * outcome would find that, also behind a release. The letters stay where they are. What a handler makes of the attempt, the
   * stream of its key decides: an outcome that stands there is answered again.
   *
   * @throws RangeError when one of them is not there, or is no command
   */
  retry(places: readonly string[]): Promise<void>
}

export interface DeadLetterDeskOptions {
  readonly connection: KafkaConnection
  readonly topicPrefix: string
  /** For each call. Default 30,000. */
  readonly deadlineMs?: number
}

/** For operators: looks at what was given up, and gives it back. All methods throw TransportError when Kafka is away. */
export function createDeadLetterDesk({
  connection,
  topicPrefix,
  deadlineMs = 30_000,
}: DeadLetterDeskOptions): DeadLetterDesk {
  const names = topicNames(topicPrefix)
  return {
    list: () =>
      withKafka(connection, deadlineMs, async (kafka) => {
        const letters: (DeadLetter & { readonly partition: number; readonly offset: bigint })[] = []
        await readTopic(kafka, names.deadLetters, ({ partition, message }) => {
          letters.push({ ...letterOf({ partition, message }), partition, offset: BigInt(message.offset) })
        })
        letters.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
        return letters.map(({ partition: _partition, offset: _offset, ...letter }) => letter)
      }),
    retry: (places) =>
      withKafka(connection, deadlineMs, async (kafka) => {
        const wanted = new Map<string, KafkaMessage | undefined>(places.map((place) => [place, undefined]))
        await readTopic(kafka, names.deadLetters, (placed) => {
          const place = placeOf(placed)
          if (wanted.has(place)) wanted.set(place, placed.message)
        })
        const messages = [...wanted].map(([place, message]) => {
          if (message === undefined) throw new RangeError(`there is no dead letter at ${place}`)
          const decoded = decodeCommand(message.value)
          if (decoded.kind !== 'read') throw new RangeError(`the dead letter at ${place} is no command`)
          return { ...message, value: encodeCommand(newAttempt(decoded.value)) }
        })
        await publish(kafka, names.commands, messages)
      }),
  }
}

/** What it was based on has long been decided. */
function newAttempt({ basedOnGeneration: _based, ...envelope }: CommandEnvelope): CommandEnvelope {
  const receivedAtMs = systemClock.nowMs()
  return { ...envelope, receivedAtMs, attemptId: systemIds.attemptId(receivedAtMs), requestId: systemIds.uuid() }
}

const placeOf = ({ partition, message }: PlacedMessage): string => `${partition}:${message.offset}`

function letterOf(placed: PlacedMessage): DeadLetter {
  const { message } = placed
  const decoded = decodeCommand(message.value)
  const text = (name: string): string => textOf(message.headers?.[name])
  return {
    place: placeOf(placed),
    reason: text('dead-letter-reason'),
    detail: text('dead-letter-detail'),
    at: text('dead-letter-at'),
    source: ['topic', 'partition', 'offset']
      .map((part) => text(`dead-letter-${part}`))
      .filter((part) => part !== '')
      .join(':'),
    envelope: decoded.kind === 'read' ? decoded.value : undefined,
  }
}

const textOf = (value: IHeaders[string]): string =>
  value === undefined || Array.isArray(value) ? '' : value.toString()

async function publish(kafka: Kafka, topic: string, messages: readonly KafkaMessage[]): Promise<void> {
  const partitions = await withAdmin(kafka, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.length ?? 0
  })
  if (partitions === 0) throw new TransportError(`the topic ${topic} is not there`)
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  })
  await producer.connect()
  try {
    await producer.send({
      topic,
      acks: -1,
      messages: messages.map(({ key, value, headers = {} }) => ({
        key,
        value,
        partition: key === null ? 0 : partitionOf(key, partitions),
        headers: ownHeaders(headers),
      })),
    })
  } finally {
    await producer.disconnect()
  }
}

/** Neither what made it a dead letter, nor where a reply went to: nobody waits there any more. */
function ownHeaders(headers: IHeaders): IHeaders {
  const gone: ReadonlySet<string> = new Set([headerNames.replyPartition, headerNames.replyInstance])
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('dead-letter-') && !gone.has(name)),
  )
}
