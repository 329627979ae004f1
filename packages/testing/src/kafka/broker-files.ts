import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KafkaUnavailableError, run } from './kafka-jars.ts'

/** What one node's `server.properties` are made from. */
export interface BrokerSettings {
  readonly port: number
  readonly controllerPort: number
  /** Where clients are told to connect; default: the port itself. A proxy in between names its own. */
  readonly advertisedPort?: number
  readonly dataDir: string
  /** How long the cluster waits for a broker that vanished before it may register again, milliseconds. */
  readonly sessionTimeoutMs: number
}

/**
 * Settings of a single KRaft node on loopback. The replication factors are 1 as there is one node; the first rebalance
 * is not delayed (3 s by default); after `kill -9` the node waits for its own old session, so that is short.
 */
function serverProperties(settings: BrokerSettings): string {
  const { port, controllerPort, advertisedPort = port, dataDir, sessionTimeoutMs } = settings
  const entries: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': dataDir.replaceAll('\\', '/'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    // Topics are made by whoever needs them, with their settings; a typo must not make one.
    'auto.create.topics.enable': false,
    'broker.session.timeout.ms': sessionTimeoutMs,
    'broker.heartbeat.interval.ms': Math.min(500, Math.floor(sessionTimeoutMs / 4)),
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    // 128 MiB by default, more than a small heap can give.
    'log.cleaner.dedupe.buffer.size': 4_194_304,
  }
  return Object.entries(entries)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const log4j = `rootLogger.level=INFO
rootLogger.appenderRef.stdout.ref=STDOUT
appender.console.type=Console
appender.console.name=STDOUT
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
`

/** Paths of what a node starts from. */
export interface BrokerFiles {
  readonly properties: string
  readonly log4j: string
}

/**
 * Writes the settings beside the data and formats the data folder, unless it was formatted before: then its data stay.
 *
 * @throws KafkaUnavailableError when Java refuses
 */
export async function prepareBroker(java: string, libs: string, settings: BrokerSettings): Promise<BrokerFiles> {
  const conf = join(settings.dataDir, 'conf')
  const logs = join(settings.dataDir, 'logs')
  await mkdir(conf, { recursive: true })
  const files = { properties: join(conf, 'server.properties'), log4j: join(conf, 'log4j2.properties') }
  await writeFile(files.properties, serverProperties({ ...settings, dataDir: logs }))
  await writeFile(files.log4j, log4j)
  if (existsSync(join(logs, 'meta.properties'))) return files

  const clusterId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')
  // In one word: an id may begin with a hyphen, and would be taken for an option.
  const tool = ['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', files.properties]
  const { code, output } = await run(java, [...jvmFlags('128m', files.log4j), '-cp', join(libs, '*'), ...tool])
  if (code !== 0) {
    const line = output.split('\n').findLast((text) => text.trim() !== '') ?? `exit code ${String(code)}`
    throw new KafkaUnavailableError(`the data folder could not be formatted (Kafka 4 needs Java 17): ${line.trim()}`)
  }
  return files
}

/** Flags for a JVM that starts fast and stays small. `heap` as in `-Xmx`. */
export function jvmFlags(heap: string, log4jPath: string): readonly string[] {
  return [`-Xmx${heap}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log4jPath}`]
}
