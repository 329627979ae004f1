import type { Admin } from 'kafkajs'
import { backoffMs, pause, settledWithin } from './backoff.ts'
import { createClient } from './client.ts'
import type { KafkaConnection } from './client.ts'
import { KafkaSetupError } from './topics.ts'

const retryBackoff = { minMs: 100, maxMs: 2000 }
const disconnectTimeoutMs = 5000

/**
 * Runs `use` with an admin client, again and again until it succeeds: brokers may come up after this process.
 *
 * @throws KafkaSetupError what a person has to put right
 * @throws the signal's reason when it fires
 */
export async function withAdmin<T>(
  connection: KafkaConnection,
  signal: AbortSignal,
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const client = createClient(connection)
    const abandon = () => client.abandon()
    signal.addEventListener('abort', abandon)
    const admin = client.kafka.admin()
    try {
      await admin.connect()
      return await use(admin)
    } catch (error) {
      if (error instanceof KafkaSetupError) throw error
      signal.throwIfAborted()
      const reason = error instanceof Error ? error.message : String(error)
      connection.logger.info({ reason, attempt }, 'the topics cannot be checked yet; another try follows')
    } finally {
      signal.removeEventListener('abort', abandon)
      client.abandon()
      await settledWithin(admin.disconnect(), disconnectTimeoutMs)
    }
    await pause(backoffMs(attempt, retryBackoff), signal)
  }
}
