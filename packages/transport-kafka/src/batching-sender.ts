import type { IHeaders, Message, ProducerBatch, RecordMetadata, TopicMessages } from 'kafkajs'
import { backoffMs, pause, settledWithin } from './backoff.ts'
import type { KafkaLogger } from './logger.ts'
import type { KafkaTransportMetrics } from './metrics.ts'

export interface OutgoingMessage {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: IHeaders
}

/** A message on its way. */
export interface Sending {
  /** Resolves when all in-sync replicas have it. Rejects only when the broker refuses it for good, or on close. */
  readonly acknowledged: Promise<void>
  /** Lets go of a message that did not leave yet. One that did leave may still arrive. */
  abandon(): void
}

/** What the sender needs of a KafkaJS producer. */
export interface BatchProducer {
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>
  disconnect(): Promise<void>
}

export interface BatchingSenderOptions {
  /** A new, connected, idempotent producer. Called at first use, and again after one gave up. */
  readonly connect: () => Promise<BatchProducer>
  /** Ends the retries inside the producers (see `KafkaClient.abandon`). */
  readonly abandon: () => void
  readonly logger: KafkaLogger
  readonly metrics: KafkaTransportMetrics
}

export interface BatchingSender {
  /** Connects ahead of the first message. Resolves when connected, or closed before that. */
  start(): Promise<void>
  send(message: OutgoingMessage): Sending
  /** How long the present batch has been on its way, milliseconds; 0 when none is. Grows while the brokers are away. */
  busyMs(): number
  /** Messages that wait or are on their way. */
  waiting(): number
  /** Takes no more, sends what waits, gives the rest up after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>
}

/** A message that is not acknowledged and will not be. */
export class SendError extends Error {
  override readonly name = 'SendError'
  /** `refused`: the broker will never take it. `closed`: it was abandoned, or the sender was closed before. */
  readonly kind: 'refused' | 'closed'

  constructor(kind: 'refused' | 'closed', message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

interface Entry {
  readonly message: OutgoingMessage
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: SendError) => void
  abandoned: boolean
}

/** A record batch holds all messages of one send to one partition, and is checked against `max.message.bytes` as one. */
const maxBytesPerPartition = 900_000
const maxBytesPerSend = 8 * 1024 * 1024
/** Key, lengths and headers, generously. */
const overheadBytes = 400
const replacementBackoff = { minMs: 100, maxMs: 1000 }
/** A producer that gave up may never finish its disconnect. */
const disconnectTimeoutMs = 5000
/**
 * How long a send waits for more, milliseconds, where at least `lingerFrom` messages went together a moment ago or wait
 * now: the next ones are on their way then. A send costs client and broker far more than each message in it, so that
 * waiting makes all of them faster under load. With four callers, whose commands leave a handler as eight messages, it
 * costs a third of the throughput (measured); with sixteen and more it pays. Who sends one after the other does not wait,
 * nor does the first message after a lull. (The Java client's `linger.ms` is 5 by default since Kafka 4.0.)
 *
 * @see https://cwiki.apache.org/confluence/display/KAFKA/KIP-1030%3A+Change+constraints+and+default+values+for+various+configurations
 */
const lingerMs = 2
const lingerFrom = 10
/** Longer ago than this is a lull, milliseconds. */
const lullMs = 50
const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'])

/**
 * Sends what waits in one request per turn of the event loop, or per {@link lingerMs} while there is much to send, in the
 * order in which it came, one batch at a time.
 *
 * One at a time is a matter of correctness. When a connection breaks after the broker wrote a batch and before it
 * answered, KafkaJS takes the batch's sequence numbers back for the repetition; a batch sent meanwhile would take the
 * same numbers, and the broker, seeing them again, would acknowledge it as a duplicate without writing it.
 */
export function createBatchingSender(options: BatchingSenderOptions): BatchingSender {
  const { logger, metrics } = options
  const closing = new AbortController()
  let queue: Entry[] = []
  let inFlight = 0
  let lastSent = 0
  let lastSentAt = 0
  /** Messages that did not fit into the last send. */
  let heldBack = 0
  let busySince = 0
  let pumping: Promise<void> | undefined
  let accepting = true
  let producer: BatchProducer | undefined

  const send = (message: OutgoingMessage): Sending => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // Whoever abandoned it need not handle it.
    promise.catch(() => undefined)
    const bytes = message.value.length + overheadBytes
    const entry: Entry = { message, bytes, resolve, reject, abandoned: false }
    if (accepting) {
      queue.push(entry)
      pumping ??= pump()
    } else {
      reject(new SendError('closed', 'the sender is closed'))
    }
    return {
      acknowledged: promise,
      abandon: () => {
        entry.abandoned = true
      },
    }
  }

  const start = async () => {
    const connecting = connected()
    pumping ??= connecting.then(pump)
    await connecting
  }

  /** The producer, connected; undefined when the sender is closed before that. */
  const connected = async (): Promise<BatchProducer | undefined> => {
    for (let attempt = 1; producer === undefined && !closing.signal.aborted; attempt++) {
      try {
        producer = await options.connect()
      } catch (error) {
        if (closing.signal.aborted) break
        logger.warn({ err: error }, 'a producer could not connect; another one tries')
        await pause(backoffMs(attempt, replacementBackoff), closing.signal)
      }
    }
    return producer
  }

  const pump = async () => {
    while (queue.length > 0) {
      // All that comes meanwhile goes along.
      await (isBusy() ? linger() : nextTurn())
      const batch = takeBatch()
      if (batch.length === 0) continue
      inFlight = batch.length
      lastSent = batch.length
      busySince = performance.now()
      await deliver(batch)
      busySince = 0
      inFlight = 0
      lastSentAt = performance.now()
    }
    pumping = undefined
  }

  /** Much is sent at present, and no full send is left over, for which there is nothing to wait. */
  const isBusy = (): boolean => {
    const recently = performance.now() - lastSentAt < lullMs ? lastSent : 0
    return heldBack === 0 && Math.max(recently, queue.length) >= lingerFrom
  }

  /** The longest prefix per partition that fits into one send; what does not fit keeps its place. */
  const takeBatch = (): Entry[] => {
    const taken: Entry[] = []
    const kept: Entry[] = []
    const filled = new Map<string, number>()
    let total = 0
    for (const entry of queue) {
      if (entry.abandoned) {
        entry.reject(new SendError('closed', 'the message was abandoned'))
        continue
      }
      const partition = partitionKey(entry.message.topic, entry.message.partition)
      const before = filled.get(partition) ?? 0
      const after = before + entry.bytes
      const fits = before === 0 || (after <= maxBytesPerPartition && total + entry.bytes <= maxBytesPerSend)
      // A full partition takes nothing more, also nothing small, or the order would be lost.
      filled.set(partition, fits ? after : Infinity)
      if (fits) total += entry.bytes
      ;(fits ? taken : kept).push(entry)
    }
    queue = kept
    heldBack = kept.length
    return taken
  }

  /** Ends when every entry is settled. */
  const deliver = async (batch: readonly Entry[]): Promise<void> => {
    let left = batch
    for (let attempt = 1; left.length > 0; attempt++) {
      const current = await connected()
      if (current === undefined) return giveUp(left)
      try {
        const sentAt = performance.now()
        const acks = await current.sendBatch({ acks: -1, topicMessages: toTopicMessages(left) })
        left = settle(left, acks, performance.now() - sentAt)
      } catch (error) {
        if (closing.signal.aborted) return giveUp(left)
        if (tooLarge.has(errorType(error))) return deliverSingly(left, error)
        metrics.producerReplaced?.({ error })
        logger.warn({ err: error, messages: left.length }, 'the producer gave up; another one sends the batch again')
        await replaceProducer()
        await pause(backoffMs(attempt, replacementBackoff), closing.signal)
      }
    }
  }

  /** Resolves what was acknowledged, returns what was not. */
  const settle = (batch: readonly Entry[], acks: readonly RecordMetadata[], durationMs: number): readonly Entry[] => {
    // When a leader moves during a retry, KafkaJS leaves out partitions whose new leader has answered before, and
    // resolves all the same (src/producer/sendMessages.js: a broker with a response is not asked again).
    const acknowledged = new Set(acks.map(({ topicName, partition }) => partitionKey(topicName, partition)))
    const left: Entry[] = []
    let bytes = 0
    for (const entry of batch) {
      if (!acknowledged.has(partitionKey(entry.message.topic, entry.message.partition))) {
        left.push(entry)
        continue
      }
      bytes += entry.bytes
      entry.resolve()
    }
    metrics.published?.({ messages: batch.length - left.length, bytes, durationMs })
    return left
  }

  /** One of them is refused, and the answer does not say which. */
  const deliverSingly = async (batch: readonly Entry[], cause: unknown): Promise<void> => {
    const [only, ...others] = batch
    if (only !== undefined && others.length === 0) {
      only.reject(new SendError('refused', 'the broker refuses the message', { cause }))
      return
    }
    // KafkaJS has taken the numbers of the whole request back, also of partitions that were written: a new producer
    // starts its own.
    await replaceProducer()
    for (const entry of batch) await deliver([entry])
  }

  const giveUp = (entries: readonly Entry[]) => {
    const error = new SendError('closed', 'the sender was closed before the message was acknowledged')
    for (const entry of entries) entry.reject(error)
  }

  const replaceProducer = async () => {
    const old = producer
    producer = undefined
    if (old !== undefined) await settledWithin(old.disconnect(), disconnectTimeoutMs)
  }

  return {
    start,
    send,
    busyMs: () => (busySince === 0 ? 0 : performance.now() - busySince),
    waiting: () => queue.length + inFlight,
    close: async (timeoutMs) => {
      accepting = false
      if (pumping !== undefined) await settledWithin(pumping, timeoutMs)
      closing.abort()
      options.abandon()
      giveUp(queue)
      queue = []
      await replaceProducer()
    },
  }
}

const nextTurn = () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve)
  })

/** Keeps the process alive, unlike `pause`: something waits to be sent. */
const linger = () =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, lingerMs)
  })

const partitionKey = (topic: string, partition: number) => `${topic}/${partition}`

function toTopicMessages(batch: readonly Entry[]): TopicMessages[] {
  const topics = new Map<string, Message[]>()
  for (const { message } of batch) {
    const { topic, partition, key, value, headers } = message
    const messages = topics.get(topic)
    const record = { partition, key, value, headers }
    if (messages === undefined) topics.set(topic, [record])
    else messages.push(record)
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }))
}

/** The protocol's name of the error, also where KafkaJS has wrapped it. */
function errorType(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('type' in at && typeof at.type === 'string') return at.type
  }
  return ''
}
