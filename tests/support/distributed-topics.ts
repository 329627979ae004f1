import { asAdmin, readTopic } from '../../packages/transport-kafka/src/test-support/cluster.ts'
import type { CommandEnvelope } from '@holdfast/core'
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

export interface DeadLetter {
  readonly reason: string
  readonly envelope: CommandEnvelope
}

/** The commands on `<prefix>.dead-letters`. */
export async function deadLetters(
  brokers: readonly string[],
  { topicPrefix }: Cluster,
): Promise<readonly DeadLetter[]> {
  return (await readTopic(brokers, `${topicPrefix}.dead-letters`)).map(({ headers, value }) => ({
    reason: headers?.['dead-letter-reason']?.toString() ?? '',
    envelope: JSON.parse(value?.toString() ?? '{}') as CommandEnvelope,
  }))
}

/**
 * Deletes `<prefix>.results`: from now on handlers can publish no result, while they take commands and commit as before.
 * The next handler that starts makes it again, empty.
 */
export async function deleteResults(brokers: readonly string[], { topicPrefix }: Cluster): Promise<void> {
  await asAdmin(brokers, (admin) => admin.deleteTopics({ topics: [`${topicPrefix}.results`] }))
}
