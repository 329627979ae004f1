import kafkajs from 'kafkajs'
import type { Admin, ITopicMetadata } from 'kafkajs'
import type { KafkaLogger } from './logger.ts'

/** The topics of one installation. */
export interface TopicNames {
  readonly commands: string
  readonly replies: string
  readonly results: string
  readonly deadLetters: string
}

export type TopicRole = keyof TopicNames

/** `<prefix>.commands` and so on. */
export function topicNames(prefix: string): TopicNames {
  return {
    commands: `${prefix}.commands`,
    replies: `${prefix}.replies`,
    results: `${prefix}.results`,
    deadLetters: `${prefix}.dead-letters`,
  }
}

export interface TopicOptions {
  /** What the topics' names start with. Default 'holdfast'. */
  readonly topicPrefix?: string
  /**
   * Partitions of topics that are made. Default 12 for commands and results (the most handlers that can share the
   * work), 16 for replies (gateways beyond that share partitions, and read each other's replies), 1 for dead letters.
   * Partitions added later move keys: stop all gateways and handlers first.
   */
  readonly partitions?: Partial<Record<TopicRole, number>>
  /**
   * Copies of each partition, for topics that are made. Default 1, all that a single broker can hold; with 3 an
   * acknowledged command survives the loss of a broker. `min.insync.replicas` follows: one less, at least 1.
   */
  readonly replicationFactor?: number
  /** Largest message, bytes, for topics that are made. Default 2 MiB: a body of 1 MiB and what goes with it. */
  readonly maxMessageBytes?: number
  /** Makes the topics that are missing. Default true; false: they must be there. */
  readonly createTopics?: boolean
}

/** What the topics are in truth. */
export interface TopicLayout {
  readonly names: TopicNames
  readonly partitions: Readonly<Record<TopicRole, number>>
  /** Largest message that all of them take, bytes. */
  readonly maxMessageBytes: number
}

/** The topics cannot be used as they are; a person has to decide. Not a state that passes. */
export class KafkaSetupError extends Error {
  override readonly name = 'KafkaSetupError'
  readonly code = 'kafka-setup'
}

const dayMs = 86_400_000
const roles = ['commands', 'replies', 'results', 'deadLetters'] as const

const retentionMs: Readonly<Record<TopicRole, number>> = {
  commands: 7 * dayMs,
  // A reply is for a gateway that is waiting: nobody wants an old one.
  replies: 600_000,
  // The event store is the archive.
  results: 7 * dayMs,
  deadLetters: 7 * dayMs,
}

const defaultPartitions: Readonly<Record<TopicRole, number>> = {
  commands: 12,
  replies: 16,
  results: 12,
  deadLetters: 1,
}

/**
 * Makes the topics that are missing and compares the others with the settings. A difference that only matters to some
 * (retention, fewer partitions or copies) is logged as a warning and accepted.
 *
 * @throws KafkaSetupError when a topic is missing and may not be made, or is compacted: that would lose messages
 * @throws an error of KafkaJS when the brokers cannot be asked now
 */
export async function ensureTopics(admin: Admin, options: TopicOptions, logger: KafkaLogger): Promise<TopicLayout> {
  const names = topicNames(options.topicPrefix ?? 'holdfast')
  const wanted = roles.map((role) => wantedTopic(role, names[role], options))
  const existing = new Set(await admin.listTopics())
  const missing = wanted.filter(({ topic }) => !existing.has(topic))
  if (missing.length > 0) {
    if (options.createTopics === false) {
      throw new KafkaSetupError(`missing topics: ${missing.map(({ topic }) => topic).join(', ')}`)
    }
    // Another process may make them at the same time: KafkaJS answers false then.
    await admin.createTopics({ topics: missing.map(({ role: _role, ...topic }) => topic), waitForLeaders: true })
  }
  const topics = wanted.map(({ topic }) => topic)
  const metadata = await admin.fetchTopicMetadata({ topics })
  const configs = await describe(admin, topics)
  const found = wanted.map((want) => {
    const topic = metadata.topics.find(({ name }) => name === want.topic)
    const config = configs.get(want.topic)
    if (topic === undefined || config === undefined) throw new Error(`the brokers do not know ${want.topic} yet`)
    return { want, topic, config }
  })
  const partitions = { ...defaultPartitions }
  let maxMessageBytes = Number.MAX_SAFE_INTEGER
  for (const { want, topic, config } of found) {
    compare(want, { topic, config }, logger)
    partitions[want.role] = topic.partitions.length
    maxMessageBytes = Math.min(maxMessageBytes, Number(config.get('max.message.bytes') ?? 1_048_588))
  }
  return { names, partitions, maxMessageBytes }
}

interface WantedTopic {
  readonly role: TopicRole
  readonly topic: string
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly configEntries: { name: string; value: string }[]
}

function wantedTopic(role: TopicRole, topic: string, options: TopicOptions): WantedTopic {
  const { partitions = {}, replicationFactor = 1, maxMessageBytes = 2 * 1024 * 1024 } = options
  const settings = {
    'cleanup.policy': 'delete',
    'retention.ms': retentionMs[role],
    'min.insync.replicas': Math.max(1, replicationFactor - 1),
    'max.message.bytes': maxMessageBytes,
    // Retention removes whole segments, and an open one not at all: with the default of 7 days nothing would go.
    ...(role === 'replies' && { 'segment.ms': retentionMs.replies }),
  }
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value: String(value) }))
  return { role, topic, numPartitions: partitions[role] ?? defaultPartitions[role], replicationFactor, configEntries }
}

type Configs = ReadonlyMap<string, string>

async function describe(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, Configs>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  })
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

function compare(want: WantedTopic, actual: { topic: ITopicMetadata; config: Configs }, logger: KafkaLogger): void {
  const { topic: name } = want
  const { topic: found, config } = actual
  const policy = config.get('cleanup.policy') ?? 'delete'
  if (policy.includes('compact')) {
    throw new KafkaSetupError(`topic ${name} has cleanup.policy=${policy}, which would drop messages: make it "delete"`)
  }
  const warn = (setting: string, is: number | string, wanted: number | string) =>
    logger.warn({ topic: name, setting, is, wanted }, `topic ${name}: ${setting} is ${is}, the settings say ${wanted}`)
  if (found.partitions.length < want.numPartitions) warn('partitions', found.partitions.length, want.numPartitions)
  const copies = found.partitions[0]?.replicas.length ?? 0
  if (copies < want.replicationFactor) warn('replication factor', copies, want.replicationFactor)
  for (const { name: setting, value } of want.configEntries) {
    const is = config.get(setting)
    if (is === undefined || is === value) continue
    // Stricter than wanted is no fault.
    if (setting === 'min.insync.replicas' && Number(is) > Number(value)) continue
    if (setting === 'max.message.bytes' && Number(is) > Number(value)) continue
    warn(setting, is, value)
  }
}
