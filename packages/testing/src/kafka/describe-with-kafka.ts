import { afterAll, beforeAll, describe, test } from 'vitest'
import type { KafkaBroker, StartKafkaOptions } from './kafka-broker.ts'
import { findKafkaRuntime, startKafka } from './start-kafka.ts'

export interface DescribeWithKafkaOptions extends StartKafkaOptions {
  /** The suite kills or restarts the broker: it does not run on an external one. Default false. */
  readonly killsBroker?: boolean
}

/**
 * A vitest suite with a broker of its own, started before its tests and closed after them. Where no broker can be had
 * it says so on standard error and skips; with `HOLDFAST_REQUIRE_KAFKA=1` it fails instead.
 */
export function describeWithKafka(
  name: string,
  define: (kafka: () => KafkaBroker) => void,
  options: DescribeWithKafkaOptions = {},
): void {
  describe(name, async () => {
    const why = await whyNot(options)
    if (why !== undefined) {
      process.stderr.write(`\nNOT RUN: "${name}" needs a Kafka broker: ${why}.\n`)
      const required = process.env['HOLDFAST_REQUIRE_KAFKA'] === '1'
      test.skipIf(!required)(`not run: ${why}`, () => {
        throw new Error(`HOLDFAST_REQUIRE_KAFKA=1, and ${why}`)
      })
      return
    }
    let broker: KafkaBroker | undefined
    beforeAll(async () => {
      broker = await startKafka(options)
    }, 180_000)
    afterAll(async () => {
      await broker?.close()
    })
    define(() => {
      if (broker === undefined) throw new Error('the broker is there from beforeAll on')
      return broker
    })
  })
}

async function whyNot(options: DescribeWithKafkaOptions): Promise<string | undefined> {
  const runtime = await findKafkaRuntime()
  if (runtime.kind === 'none') return runtime.missing
  if (runtime.kind === 'external' && (options.killsBroker === true || options.advertisedPort !== undefined)) {
    return 'the external broker of HOLDFAST_KAFKA_BROKERS must not be killed, nor put behind a proxy'
  }
  return undefined
}
