import { asAdmin, readTopic } from '../../packages/transport-kafka/src/test-support/cluster.ts'
import type { Cluster } from './distributed.ts'

/** How often each result was published to `<prefix>.results`, by the id of its CloudEvent. */
export async function publishedResults(
  brokers: readonly string[],
  { topicPrefix }: Cluster,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const { headers } of await readTopic(brokers, `${topicPrefix}.results`)) {
    const id = headers?.['ce_id']?.toString() ?? ''
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

/** Kafka's number for "a topic" among the things that have settings. */
const topicResource = 2

/**
 * Makes the broker refuse what handlers publish, replies and results, until this is disposed; commands and commits it
 * takes. (More in-sync replicas are asked for than one broker can have: the producer tries again, without end.)
 */
export async function refuseOutcomes(brokers: readonly string[], { topicPrefix }: Cluster): Promise<AsyncDisposable> {
  const setInSyncReplicas = async (count: number): Promise<void> => {
    await asAdmin(brokers, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: ['replies', 'results'].map((name) => ({
          type: topicResource,
          name: `${topicPrefix}.${name}`,
          configEntries: [{ name: 'min.insync.replicas', value: String(count) }],
        })),
      }),
    )
  }
  await setInSyncReplicas(1_000)
  return { [Symbol.asyncDispose]: () => setInSyncReplicas(1) }
}
