import { describeWithKafka } from '@holdfast/testing/kafka'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { silentLogger } from './logger.ts'
import { asAdmin } from './test-support/cluster.ts'
import { withAdmin } from './topic-setup.ts'
import { KafkaSetupError, ensureTopics, topicNames } from './topics.ts'
import type { TopicOptions } from './topics.ts'

describeWithKafka('topics', (kafka) => {
  const ensure = (options: TopicOptions, warnings: string[] = []) =>
    // With its retries: brokers that have just made a topic may not know it for a moment.
    withAdmin({ brokers: kafka().brokers, logger: silentLogger }, new AbortController().signal, (admin) =>
      ensureTopics(admin, options, { ...silentLogger, warn: (_details, message) => warnings.push(message) }),
    )
  const newPrefix = () => `topics-${crypto.randomUUID()}`

  test('are made with the settings of the design', async () => {
    const topicPrefix = newPrefix()
    const warnings: string[] = []
    const layout = await ensure({ topicPrefix }, warnings)
    expect(layout.partitions).toEqual({ commands: 12, replies: 16, results: 12, deadLetters: 1 })
    expect(layout.names).toEqual(topicNames(topicPrefix))
    expect(layout.maxMessageBytes).toBe(2 * 1024 * 1024)
    expect(warnings).toEqual([])
    const { resources } = await asAdmin(kafka().brokers, (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: Object.values(layout.names).map((name: string) => ({
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name,
        })),
      }),
    )
    const retention = Object.fromEntries(
      resources.map(({ resourceName, configEntries }) => [
        resourceName.slice(topicPrefix.length + 1),
        configEntries.find(({ configName }) => configName === 'retention.ms')?.configValue,
      ]),
    )
    expect(retention).toEqual({
      commands: '604800000',
      results: '604800000',
      'dead-letters': '604800000',
      replies: '600000',
    })
  })

  test('that are there are accepted as they are, by several processes at once', async () => {
    const topicPrefix = newPrefix()
    const partitions = { commands: 2 }
    const layouts = await Promise.all([1, 2, 3].map(() => ensure({ topicPrefix, partitions })))
    expect(layouts.map((layout) => layout.partitions.commands)).toEqual([2, 2, 2])
  })

  test('with fewer partitions, or other settings, are used with a warning that names the difference', async () => {
    const topicPrefix = newPrefix()
    await asAdmin(kafka().brokers, (admin) =>
      admin.createTopics({
        waitForLeaders: false,
        topics: [
          {
            topic: `${topicPrefix}.commands`,
            numPartitions: 2,
            configEntries: [
              { name: 'retention.ms', value: '1000000' },
              { name: 'max.message.bytes', value: '500000' },
            ],
          },
        ],
      }),
    )
    const warnings: string[] = []
    const layout = await ensure({ topicPrefix, partitions: { commands: 4 } }, warnings)
    expect(layout.partitions.commands).toBe(2)
    expect(layout.maxMessageBytes).toBe(500_000)
    expect(warnings).toEqual([
      `topic ${topicPrefix}.commands: partitions is 2, the settings say 4`,
      `topic ${topicPrefix}.commands: retention.ms is 1000000, the settings say 604800000`,
      `topic ${topicPrefix}.commands: max.message.bytes is 500000, the settings say 2097152`,
    ])
  })

  test('that are compacted would lose messages: an error', async () => {
    const topicPrefix = newPrefix()
    await asAdmin(kafka().brokers, (admin) =>
      admin.createTopics({
        waitForLeaders: false,
        topics: [
          {
            topic: `${topicPrefix}.results`,
            numPartitions: 1,
            configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
          },
        ],
      }),
    )
    await expect(ensure({ topicPrefix })).rejects.toThrow(KafkaSetupError)
  })

  test('that are missing and may not be made are an error that names them', async () => {
    const topicPrefix = newPrefix()
    await expect(ensure({ topicPrefix, createTopics: false })).rejects.toThrow(
      `missing topics: ${Object.values(topicNames(topicPrefix)).join(', ')}`,
    )
  })
})
