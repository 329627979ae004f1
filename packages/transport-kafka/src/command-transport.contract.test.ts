import { describeCommandTransportContract } from '@holdfast/testing/command-transport-contract'
import { describeWithKafka } from '@holdfast/testing/kafka'
import { createKafkaCommandConsumer } from './command-consumer.ts'
import { createKafkaCommandTransport } from './command-transport.ts'

describeWithKafka('on a real broker', (kafka) => {
  describeCommandTransportContract('kafka', {
    open: async (process) => {
      const shared = {
        brokers: kafka().brokers,
        topicPrefix: `contract-${crypto.randomUUID()}`,
        partitions: { commands: 3, replies: 2, results: 1 },
      }
      const consumer = createKafkaCommandConsumer({
        ...shared,
        drainTimeoutMs: 1000,
        process: async (envelope) => ({ resolution: await process(envelope) }),
      })
      const transport = createKafkaCommandTransport({
        ...shared,
        instanceId: 'gateway-1',
        lookup: () => Promise.resolve(undefined),
      })
      await Promise.all([consumer.started, transport.started])
      return {
        transport,
        [Symbol.asyncDispose]: async () => {
          await transport.close()
          await consumer.close()
        },
      }
    },
  })
})
