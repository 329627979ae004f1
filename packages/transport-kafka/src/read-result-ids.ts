import type { KafkaConnection } from './client.ts'
import { readTopic, withAdmin, withKafka } from './read-topic.ts'
import { topicNames } from './topics.ts'

export interface ReadResultIdsOptions {
  readonly connection: KafkaConnection
  readonly topicPrefix: string
  /** Called with the id of each result that `<prefix>.results` holds, as often as it stands there. */
  readonly onId: (id: string) => void
  /** Default 600,000: a topic of days is read whole. */
  readonly deadlineMs?: number
}

export interface ResultWindow {
  readonly messages: number
  /**
   * Everything that was published later is on the topic still: when its oldest message was published, or where partitions have
   * lost messages the youngest of their oldest ones. Milliseconds since the epoch; undefined when that cannot be told: the
   * topic is empty, or a partition has lost all that it had.
   */
  readonly heldSinceMs: number | undefined
}

/**
 * Reads which results are on Kafka now, for audits.
 *
 * @throws TransportError when it cannot be read in time
 */
export function readResultIds(options: ReadResultIdsOptions): Promise<ResultWindow> {
  const { connection, topicPrefix, onId, deadlineMs = 600_000 } = options
  const topic = topicNames(topicPrefix).results
  return withKafka(connection, deadlineMs, async (kafka) => {
    const oldest = new Map<number, number>()
    let messages = 0
    const partitions = await withAdmin(kafka, async (admin) =>
      (await admin.listTopics()).includes(topic) ? admin.fetchTopicOffsets(topic) : [],
    )
    await readTopic(kafka, topic, ({ partition, message }) => {
      messages += 1
      oldest.set(partition, Math.min(oldest.get(partition) ?? Number.POSITIVE_INFINITY, Number(message.timestamp)))
      const id = message.headers?.['ce_id']
      if (id !== undefined && !Array.isArray(id)) onId(id.toString())
    })
    // What came before the oldest message of all may have been from before there was a topic.
    let heldSinceMs = oldest.size === 0 ? undefined : Math.min(...oldest.values())
    for (const { partition, low } of partitions) {
      if (BigInt(low) === 0n || heldSinceMs === undefined) continue
      const since = oldest.get(partition)
      heldSinceMs = since === undefined ? undefined : Math.max(heldSinceMs, since)
    }
    return { messages, heldSinceMs }
  })
}
