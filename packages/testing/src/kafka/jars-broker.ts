import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBrokerProcess } from './broker-process.ts'
import type { BrokerProcess } from './broker-process.ts'
import { freePorts } from './free-ports.ts'
import { KafkaUnavailableError } from './kafka-jars.ts'
import { disposable } from './kafka-broker.ts'
import type { KafkaBroker, StartKafkaOptions } from './kafka-broker.ts'

const tries = 3

/** A broker from Maven Central's jars, with its data in a temporary folder that `close` deletes. */
export async function startJarsBroker(options: StartKafkaOptions): Promise<KafkaBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kafka-'))
  try {
    const { broker, port } = await startOnFreePorts(folder, options)
    // The JVM would outlive a test process that dies.
    const onExit = () => {
      if (broker.pid !== undefined) process.kill(broker.pid, 'SIGKILL')
    }
    process.once('exit', onExit)
    return disposable({
      brokers: [`127.0.0.1:${port}`],
      runtime: 'jars',
      kill: () => broker.kill(),
      restart: async () => {
        await broker.stop()
        await broker.start()
      },
      close: async () => {
        process.removeListener('exit', onExit)
        await broker.kill()
        await rm(folder, { recursive: true, force: true })
      },
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** A free port may be taken by another process before the broker binds it: then again with others. */
async function startOnFreePorts(
  folder: string,
  options: StartKafkaOptions,
): Promise<{ broker: BrokerProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0, controllerPort = 0] = await freePorts(2)
    const dataDir = join(folder, String(attempt))
    const broker = await createBrokerProcess({ ...options, port, controllerPort, dataDir })
    try {
      await broker.start()
      return { broker, port }
    } catch (error) {
      const taken = error instanceof KafkaUnavailableError && /Address already in use|bind/i.test(error.message)
      if (!taken || attempt === tries) throw error
    }
  }
}
