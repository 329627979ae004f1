import type { CommandEnvelope, Resolution } from '@holdfast/core'
import { createKafkaCommandConsumer } from '../command-consumer.ts'
import type { KafkaCommandConsumer, KafkaCommandConsumerOptions } from '../command-consumer.ts'
import { createKafkaCommandTransport } from '../command-transport.ts'
import type { KafkaCommandTransport, KafkaCommandTransportOptions } from '../command-transport.ts'
import { outcomeOf, resultOf } from './commands.ts'

/** What stands for the event store: outcomes that survive handlers, decided once per key. */
export interface Outcomes {
  /** The recorded outcome of the key, decided now if there is none. */
  decide(envelope: CommandEnvelope): Resolution
  find(envelope: CommandEnvelope): Resolution | undefined
  /** Keys that were decided. */
  readonly size: number
}

function createOutcomes(): Outcomes {
  const decided = new Map<string, Resolution>()
  return {
    decide: (envelope) => {
      const resolution = decided.get(envelope.key) ?? outcomeOf(envelope)
      decided.set(envelope.key, resolution)
      return resolution
    },
    find: ({ key }) => decided.get(key),
    get size() {
      return decided.size
    },
  }
}

export interface PairOptions {
  readonly brokers: string[]
  /** Default: a new one, and so topics of its own. */
  readonly topicPrefix?: string
  /** Default 1 partition for commands. */
  readonly partitions?: KafkaCommandTransportOptions['partitions']
  readonly process?: KafkaCommandConsumerOptions['process']
  readonly consumer?: Partial<KafkaCommandConsumerOptions>
  readonly transport?: Partial<KafkaCommandTransportOptions>
}

/** A gateway and a handler on topics of their own, started. Disposing closes both. */
export interface Pair extends AsyncDisposable {
  readonly topicPrefix: string
  readonly outcomes: Outcomes
  readonly transport: KafkaCommandTransport
  readonly consumer: KafkaCommandConsumer
  /** Another handler of the same group. */
  addConsumer(options?: Partial<KafkaCommandConsumerOptions>): KafkaCommandConsumer
}

export async function startPair(options: PairOptions): Promise<Pair> {
  const outcomes = createOutcomes()
  const { brokers, topicPrefix = `test-${crypto.randomUUID()}` } = options
  const shared = { brokers, topicPrefix, partitions: { commands: 1, replies: 2, results: 1, ...options.partitions } }
  const consumers: KafkaCommandConsumer[] = []
  const decide: KafkaCommandConsumerOptions['process'] = (envelope) =>
    Promise.resolve({ resolution: outcomes.decide(envelope), results: [resultOf(envelope)] })
  const addConsumer = (more: Partial<KafkaCommandConsumerOptions> = {}) => {
    const consumer = createKafkaCommandConsumer({
      ...shared,
      drainTimeoutMs: 1000,
      process: options.process ?? decide,
      ...options.consumer,
      ...more,
    })
    consumers.push(consumer)
    return consumer
  }
  const consumer = addConsumer()
  const transport = createKafkaCommandTransport({
    ...shared,
    instanceId: 'gateway-1',
    lookup: (envelope) => Promise.resolve(outcomes.find(envelope)),
    ...options.transport,
  })
  await Promise.all([consumer.started, transport.started])
  return {
    topicPrefix,
    outcomes,
    transport,
    consumer,
    addConsumer,
    [Symbol.asyncDispose]: async () => {
      await transport.close()
      await Promise.all(consumers.map((one) => one.close()))
    },
  }
}
