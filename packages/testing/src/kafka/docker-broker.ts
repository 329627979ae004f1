import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import type { StartedTestContainer } from 'testcontainers'
import { freePorts } from './free-ports.ts'
import { disposable } from './kafka-broker.ts'
import type { KafkaBroker, StartKafkaOptions } from './kafka-broker.ts'

/**
 * The Apache image. `@testcontainers/kafka` 12 is of no use for it: its start script is Confluent's
 * (`/etc/confluent/docker/run`), so the generic container takes its place.
 */
const image = 'apache/kafka:4.3.1'
const startTimeoutMs = 120_000

/** True when a Docker engine answers: `DOCKER_HOST` is trusted, the default socket is tried. */
export async function dockerEngineRuns(): Promise<boolean> {
  if ((process.env['DOCKER_HOST'] ?? '') !== '') return true
  const path = process.platform === 'win32' ? '//./pipe/docker_engine' : '/var/run/docker.sock'
  if (!existsSync(path)) return false
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}

/**
 * A broker in a container, through testcontainers. The container listens on the same port as the host, chosen before,
 * so that the address that clients are told holds inside and outside, and after a restart.
 */
export async function startDockerBroker(options: StartKafkaOptions): Promise<KafkaBroker> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  const [port = 0] = await freePorts(1)
  const container = await startWithOrWithoutRyuk(port, options.advertisedPort ?? port)
  return disposable({
    brokers: [`127.0.0.1:${port}`],
    runtime: 'docker',
    kill: async () => {
      const client = await getContainerRuntimeClient()
      const handle = client.container.getById(container.getId())
      await handle.kill({ signal: 'SIGKILL' })
      await handle.wait()
    },
    restart: () => container.restart({ timeout: 0 }),
    close: async () => {
      await container.stop()
    },
  })
}

/** Without a registry, Ryuk's image (it removes what crashed tests leave behind) cannot be had: then without it. */
async function startWithOrWithoutRyuk(port: number, advertisedPort: number): Promise<StartedTestContainer> {
  try {
    return await startContainer(port, advertisedPort)
  } catch (error) {
    if (process.env['TESTCONTAINERS_RYUK_DISABLED'] !== undefined) throw error
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'
    return startContainer(port, advertisedPort)
  }
}

async function startContainer(port: number, advertisedPort: number): Promise<StartedTestContainer> {
  const { GenericContainer, Wait } = await import('testcontainers')
  return new GenericContainer(image)
    .withExposedPorts({ container: port, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://localhost:${port === 9093 ? 9094 : 9093}`,
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${advertisedPort}`,
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_CONTROLLER_QUORUM_VOTERS: `1@localhost:${port === 9093 ? 9094 : 9093}`,
      KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_BROKER_SESSION_TIMEOUT_MS: '3000',
      KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(startTimeoutMs)
    .start()
}
