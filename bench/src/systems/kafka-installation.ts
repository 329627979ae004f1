import { join } from 'node:path'
import { EventStoreDBClient, FORWARDS, START } from '@eventstore/db-client'
import { startKafka } from '@holdfast/testing/kafka'
import { startServer, type NodeServer } from '../servers/node-server.ts'
import { freePort } from '../servers/process.ts'

const app = join(import.meta.dirname, '../servers/app.ts')

/** A real broker and the EventStoreDB stand-in, and services of ours on them. */
export interface KafkaInstallation {
  readonly brokers: string
  /** `esdb://…` */
  readonly eventstore: string
  service(name: 'gateway' | 'handler', settings?: Readonly<Record<string, string>>): Promise<NodeServer>
  /** Ends all services that were started, the store and the broker. */
  stop(): Promise<void>
}

export async function startKafkaInstallation(folder: string): Promise<KafkaInstallation> {
  const kafka = await startKafka()
  const brokers = kafka.brokers.join(',')
  const servers: NodeServer[] = []
  const stop = async (): Promise<void> => {
    for (const server of servers.toReversed()) await server.stop()
    await kafka.close()
  }
  try {
    const port = await freePort()
    servers.push(
      await startServer('packages/testing/src/eventstore-stand-in/main.ts', () => ({
        HOLDFAST_STANDIN_PORT: String(port),
        HOLDFAST_STANDIN_DATA: join(folder, 'events.log'),
      })),
    )
    const eventstore = `esdb://127.0.0.1:${port}?tls=false`
    return {
      brokers,
      eventstore,
      stop,
      async service(name, settings = {}) {
        const server = await startServer(`services/${name}/src/main.ts`, (own) => ({
          HOLDFAST_PORT: String(own),
          HOLDFAST_APP: app,
          HOLDFAST_KAFKA_BROKERS: brokers,
          HOLDFAST_EVENTSTORE_URL: eventstore,
          HOLDFAST_LOG_LEVEL: 'info',
          ...settings,
        }))
        servers.push(server)
        return server
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The orders in an EventStoreDB, counted past Holdfast. */
export async function countOrdersIn(eventstore: string): Promise<number> {
  const client = EventStoreDBClient.connectionString(eventstore)
  try {
    let orders = 0
    for await (const { event } of client.readAll({ direction: FORWARDS, fromPosition: START }))
      if (event?.type === 'OrderPlaced') orders++
    return orders
  } finally {
    await client.dispose()
  }
}
