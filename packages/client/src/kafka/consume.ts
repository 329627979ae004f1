import type { ResultEvent } from '@holdfast/contracts'
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import { asError } from '../errors.ts'
import { ConsumptionFailure, createDelivery, orFail, type ConsumeOptions, type Delivery } from '../results/delivery.ts'
import { iterateResults } from '../results/iterate.ts'
import { decodeResult } from './decode-result.ts'

/** How results are consumed from Kafka. Checkpoints are `<partition>/<offset>`, and committed before they are told. */
export interface KafkaConsumeOptions<Command extends string = string> extends ConsumeOptions<Command> {
  /** Brokers, TLS and authentication are its own: `new Kafka({ brokers })` of KafkaJS 2. */
  readonly kafka: Pick<Kafka, 'consumer'>
  /** Members of a group share the results between them, and go on where the group has committed. */
  readonly groupId: string
  /** Default `holdfast.results`; `<HOLDFAST_KAFKA_TOPIC_PREFIX>.results` where that is set. */
  readonly topic?: string
  /** Only results of this tenant: unlike `GET /results`, the topic has those of all. */
  readonly tenant?: string
  /** Where a group starts that has committed nothing: at the oldest result of the topic (default), or at the next one. */
  readonly fromBeginning?: boolean
  /** How long handled results may wait for their commit: that many may come again after a crash. Default 1,000. */
  readonly commitEveryMs?: number
}

/** The broker's smallest session by default: a group waits no longer than this for a member that died. */
const sessionTimeoutMs = 6_000
const heartbeatMs = 1_000
/** `disconnect` waits for a running fetch. */
const maxFetchWaitMs = 250

/**
 * Consumes results as a member of a consumer group until the signal ends it: in order per key, each id once as far as it is
 * remembered, and commits behind what was handled. KafkaJS takes up what breaks; what it gives up is thrown.
 *
 * @throws what the handler or the checkpoint callback threw; KafkaJS's error when it gives up; TypeError for options that
 *   cannot be meant
 */
export async function consumeResults(options: KafkaConsumeOptions): Promise<void> {
  const { kafka, groupId, topic = 'holdfast.results', fromBeginning = true, signal } = options
  const delivery = createDelivery(options)
  if (signal?.aborted === true) return
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: maxFetchWaitMs,
    allowAutoTopicCreation: false,
  })
  const end = Promise.withResolvers<Error | undefined>()
  const leave = (): void => {
    end.resolve(undefined)
  }
  signal?.addEventListener('abort', leave, { once: true })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) end.resolve(payload.error)
  })
  const share: Share = { consumer, delivery, options, ended: false, working: new Set(), fail: end.resolve }
  const run = async (): Promise<void> => {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (batch) => workOffNoted(share, batch),
    })
  }
  const running = run().catch((error: unknown) => {
    end.resolve(asError(error))
  })
  const failure = await end.promise
  share.ended = true
  signal?.removeEventListener('abort', leave)
  // A start that is under way is waited for, since KafkaJS cannot be disconnected in the middle of it.
  await running
  // Neither are batches: once it disconnects, KafkaJS drops commits without a word.
  await Promise.allSettled(share.working)
  await consumer.disconnect()
  if (failure instanceof ConsumptionFailure) throw failure.cause
  if (failure !== undefined) throw failure
}

/**
 * The same for `for await`: a result counts as handled, and is committed, when the next one is asked for; the one at which the
 * loop is left comes again. While it waits for a result only the signal ends it. Throws as {@link consumeResults}.
 */
export function results(options: Omit<KafkaConsumeOptions, 'onResult'>): AsyncGenerator<ResultEvent, void, undefined> {
  return iterateResults<KafkaConsumeOptions>(consumeResults, options)
}

interface Share {
  readonly consumer: Consumer
  readonly delivery: Delivery
  readonly options: KafkaConsumeOptions
  /** True when nothing more is to be begun. */
  ended: boolean
  /** Batches that are being worked off. */
  readonly working: Set<Promise<void>>
  readonly fail: (error: Error) => void
}

async function workOffNoted(share: Share, payload: EachBatchPayload): Promise<void> {
  const work = workOff(share, payload)
  share.working.add(work)
  try {
    await work
  } finally {
    share.working.delete(work)
  }
}

/** Handles the messages of one partition in order, and commits behind them: now and then, and at the end. */
async function workOff(share: Share, payload: EachBatchPayload): Promise<void> {
  const { options, delivery, consumer } = share
  const { topic, partition, messages } = payload.batch
  const commitEveryMs = options.commitEveryMs ?? 1_000
  // A handler may take longer than a session: the group hears of this member all the same.
  const beat = setInterval(() => {
    payload.heartbeat().catch(() => undefined)
  }, heartbeatMs)
  let handled: bigint | undefined
  let committedAt = performance.now()
  const commit = async (): Promise<void> => {
    committedAt = performance.now()
    if (handled === undefined) return
    const offset = String(handled + 1n)
    handled = undefined
    await consumer.commitOffsets([{ topic, partition, offset }])
    await delivery.checkpoint(`${partition}/${offset}`)
  }
  try {
    for (const message of messages) {
      if (share.ended || !payload.isRunning() || payload.isStale()) break
      await handle(share, message)
      handled = BigInt(message.offset)
      payload.resolveOffset(message.offset)
      if (performance.now() - committedAt >= commitEveryMs) await commit()
    }
    await commit()
  } catch (error) {
    if (!(error instanceof ConsumptionFailure)) throw error
    share.ended = true
    // What was handled before the failure is committed; what failed comes again.
    await commit().catch(() => undefined)
    share.fail(error)
  } finally {
    clearInterval(beat)
  }
}

async function handle({ delivery, options }: Share, message: KafkaMessage): Promise<void> {
  const result = await orFail(() => decodeResult(message))
  if (isWanted(result, options)) await delivery.handle(result)
}

function isWanted({ command, tenant, data }: ResultEvent, options: KafkaConsumeOptions): boolean {
  const { commands, outcomes } = options
  if (options.tenant !== undefined && tenant !== options.tenant) return false
  return (commands?.includes(command) ?? true) && (outcomes?.includes(data.outcome) ?? true)
}
