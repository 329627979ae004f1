import { packageVersion } from '../versions.ts'
import { apiKeys, holdfastPaths } from './holdfast.ts'
import { countOrdersIn, startKafkaInstallation } from './kafka-installation.ts'
import type { Contender } from './system.ts'

/** Not in the list of what is measured side by side: its broker would take half of the machine from the others. */
export const holdfastDistributed: Contender = {
  id: 'holdfast-distributed',
  title: 'Holdfast on Kafka and EventStoreDB',
  setup:
    'One gateway and one handler with default settings, on one Apache Kafka broker and the EventStoreDB stand-in of `packages/testing`, which syncs each append.',
  versions: async () =>
    `KafkaJS ${packageVersion('kafkajs', 'bench')}, EventStoreDB client ${packageVersion('@eventstore/db-client', 'bench')}`,
  keepsKeys: true,
  // Kafka needs Docker, or Java and Maven.
  optional: true,
  async start({ folder, besieged }) {
    const installation = await startKafkaInstallation(folder)
    try {
      const [gateway, handler] = await Promise.all([
        installation.service('gateway', apiKeys(besieged)),
        installation.service('handler'),
      ])
      return {
        url: gateway.url,
        paths: holdfastPaths,
        servers: [handler, gateway],
        effects: () => countOrdersIn(installation.eventstore),
        close: () => installation.stop(),
      }
    } catch (error) {
      await installation.stop()
      throw error
    }
  },
}
