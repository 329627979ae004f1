import { dockerEngineRuns, startDockerBroker } from './docker-broker.ts'
import { startJarsBroker } from './jars-broker.ts'
import { KafkaUnavailableError, findJava, findProgram, haveKafkaJars } from './kafka-jars.ts'
import { disposable } from './kafka-broker.ts'
import type { KafkaBroker, StartKafkaOptions } from './kafka-broker.ts'

/** How a broker can be had here. */
export type KafkaRuntime =
  | { readonly kind: 'external'; readonly brokers: readonly string[] }
  | { readonly kind: 'docker' }
  | { readonly kind: 'jars' }
  | { readonly kind: 'none'; readonly missing: string }

/**
 * Looks, in this order, for `HOLDFAST_KAFKA_BROKERS` (a running cluster, `host:port` with commas), a Docker engine, and
 * Java with Maven (or with jars that were fetched before). `HOLDFAST_KAFKA_RUNTIME` = `docker` or `jars` takes that one.
 */
export async function findKafkaRuntime(): Promise<KafkaRuntime> {
  const external = process.env['HOLDFAST_KAFKA_BROKERS'] ?? ''
  if (external !== '') return { kind: 'external', brokers: external.split(',').map((broker) => broker.trim()) }
  const wanted = process.env['HOLDFAST_KAFKA_RUNTIME'] ?? ''
  if (wanted !== '' && wanted !== 'docker' && wanted !== 'jars') {
    throw new Error(`HOLDFAST_KAFKA_RUNTIME is "${wanted}": allowed are docker, jars, or nothing`)
  }
  if (wanted !== 'jars' && (await dockerEngineRuns())) return { kind: 'docker' }
  if (wanted === 'docker') return { kind: 'none', missing: 'no Docker engine answers' }
  const missing = [
    ...(findJava() === undefined ? ['Java 17 or newer'] : []),
    ...(findProgram('mvn') === undefined && !haveKafkaJars() ? ['Maven (mvn)'] : []),
  ]
  if (missing.length === 0) return { kind: 'jars' }
  return { kind: 'none', missing: `no Docker engine answers, and ${missing.join(' and ')} cannot be found` }
}

/**
 * A real broker for a test, with {@link findKafkaRuntime}. Several may run at once. An engine that answers but cannot
 * run the image (no registry, for example) is passed over for the jars, with a line on standard error.
 *
 * @throws KafkaUnavailableError when there is none
 */
export async function startKafka(options: StartKafkaOptions = {}): Promise<KafkaBroker> {
  const runtime = await findKafkaRuntime()
  switch (runtime.kind) {
    case 'external':
      return externalBroker(runtime.brokers)
    case 'docker':
      try {
        return await startDockerBroker(options)
      } catch (error) {
        if (process.env['HOLDFAST_KAFKA_RUNTIME'] === 'docker' || findJava() === undefined) throw error
        process.stderr.write(`Kafka in Docker did not start (${String(error)}); taking the jars from Maven Central.\n`)
        return startJarsBroker(options)
      }
    case 'jars':
      return startJarsBroker(options)
    case 'none':
      throw new KafkaUnavailableError(runtime.missing)
  }
}

/** A cluster that was there before and stays: it cannot be killed from here. */
function externalBroker(brokers: readonly string[]): KafkaBroker {
  const refuse = (action: string) =>
    Promise.reject(new Error(`HOLDFAST_KAFKA_BROKERS names a running cluster: the test kit does not ${action} it`))
  return disposable({
    brokers: [...brokers],
    runtime: 'external',
    kill: () => refuse('kill'),
    restart: () => refuse('restart'),
    close: () => Promise.resolve(),
  })
}
