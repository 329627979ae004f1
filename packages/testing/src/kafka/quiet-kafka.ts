import kafkajs, { type Kafka, type RetryOptions } from 'kafkajs'

/** KafkaJS as its users make it, without its log: for tests that stand on the other side of a topic. */
export const quietKafka = (brokers: readonly string[], retry?: RetryOptions): Kafka =>
  new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING, ...(retry && { retry }) })
