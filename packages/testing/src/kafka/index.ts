/**
 * A real Kafka broker for tests and for machines without Docker.
 *
 * - `start-kafka.ts`: which one (external, Docker, Maven Central's jars), and its start
 * - `describe-with-kafka.ts`: a vitest suite with a broker, loud when there is none
 * - `kafka-broker.ts`: what a started broker can do
 * - `docker-broker.ts`, `jars-broker.ts`: the two that are started
 * - `broker-process.ts`, `broker-files.ts`, `kafka-jars.ts`: the JVM, its settings, its jars
 * - `free-ports.ts`: ports that nothing listens on
 * - `quiet-kafka.ts`: a client of KafkaJS for the other side of a topic
 * - `faulty-line.ts`: a TCP line that swallows answers and breaks
 */
export type { Kafka, KafkaMessage } from 'kafkajs'
export type { BrokerProcess, BrokerProcessOptions } from './broker-process.ts'
export type { DescribeWithKafkaOptions } from './describe-with-kafka.ts'
export type { FaultyLine } from './faulty-line.ts'
export type { KafkaBroker, StartKafkaOptions } from './kafka-broker.ts'
export type { KafkaRuntime } from './start-kafka.ts'
export { createBrokerProcess } from './broker-process.ts'
export { describeWithKafka } from './describe-with-kafka.ts'
export { openFaultyLine } from './faulty-line.ts'
export { freePorts } from './free-ports.ts'
export { KafkaUnavailableError } from './kafka-jars.ts'
export { quietKafka } from './quiet-kafka.ts'
export { findKafkaRuntime, startKafka } from './start-kafka.ts'
