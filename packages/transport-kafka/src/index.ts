/**
 * The CommandTransport port on Apache Kafka, on KafkaJS 2.2.4: the only package that imports it.
 *
 * The gateway's side
 * - `command-transport.ts`: publishes commands, resolves attempts
 * - `pending-attempts.ts`: the attempts that wait; deadlines and look-ups
 * - `reply-listener.ts`, `fixed-partition-assigner.ts`: the gateway's own partition of the replies
 *
 * The handler's side
 * - `command-consumer.ts`: from a message to its commit
 * - `key-queues.ts`: order per key, keys side by side
 * - `partition-share.ts`, `partition-progress.ts`: what this member holds, and the finished prefix
 * - `offset-committer.ts`: commits of that prefix
 * - `outcome-publisher.ts`, `result-events.ts`, `dead-letters.ts`: what comes of a command
 * - `result-publisher.ts`: results and dead letters of what did not come over Kafka
 *
 * Operators
 * - `dead-letter-desk.ts`, `read-topic.ts`: what was given up, listed and published again
 * - `read-result-ids.ts`: which results are on their topic, for audits
 *
 * Both
 * - `messages.ts`: what travels, and its versions
 * - `topics.ts`, `topic-setup.ts`: topics and their settings
 * - `batching-sender.ts`, `producer.ts`, `partitioning.ts`: one request per turn of the event loop
 * - `supervised-consumer.ts`: a consumer that is replaced when it crashes or stalls
 * - `client.ts`, `kafkajs-workarounds.ts`, `logger.ts`, `metrics.ts`, `backoff.ts`
 */
export type { Backoff } from './backoff.ts'
export type { CommandContext, KafkaCommandConsumer, KafkaCommandConsumerOptions } from './command-consumer.ts'
export type { KafkaCommandTransport, KafkaCommandTransportOptions } from './command-transport.ts'
export type { KafkaConnection } from './client.ts'
export type { DeadLetter, DeadLetterDesk, DeadLetterDeskOptions } from './dead-letter-desk.ts'
export type { DeadLetterReason } from './dead-letters.ts'
export type { KafkaLogger } from './logger.ts'
export type { KafkaTransportMetrics } from './metrics.ts'
export type { ProcessedCommand } from './outcome-publisher.ts'
export type { KafkaResultPublisher, KafkaResultPublisherOptions } from './result-publisher.ts'
export type { ReadResultIdsOptions, ResultWindow } from './read-result-ids.ts'
export type { TopicNames, TopicOptions } from './topics.ts'
export { createDeadLetterDesk } from './dead-letter-desk.ts'
export { createKafkaCommandConsumer } from './command-consumer.ts'
export { createKafkaCommandTransport } from './command-transport.ts'
export { createKafkaResultPublisher } from './result-publisher.ts'
export { readResultIds } from './read-result-ids.ts'
export { KafkaSetupError, topicNames } from './topics.ts'
