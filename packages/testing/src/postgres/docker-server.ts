import { freePorts } from '../kafka/free-ports.ts'
import { disposable, type PostgresServer } from './postgres-server.ts'
import { postgresOwner } from './server-files.ts'

const image = 'postgres:17.6'
const startTimeoutMs = 120_000

/** A server in a container, through testcontainers. The port of the host is chosen before, so that it survives a restart. */
export async function startDockerServer(): Promise<PostgresServer> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  const [port = 0] = await freePorts(1)
  const start = () =>
    new GenericContainer(image)
      .withExposedPorts({ container: 5432, host: port })
      .withEnvironment({
        POSTGRES_USER: postgresOwner,
        POSTGRES_PASSWORD: postgresOwner,
        POSTGRES_DB: 'postgres',
      })
      // The image starts the server twice; only the second one listens for others.
      .withWaitStrategy(Wait.forLogMessage(/listening on IPv4 address/).withStartupTimeout(startTimeoutMs))
      .start()
  const container = await start().catch((error: unknown) => {
    // Without a registry, Ryuk's image (it removes what crashed tests leave behind) cannot be had: then without it.
    if (process.env['TESTCONTAINERS_RYUK_DISABLED'] !== undefined) throw error
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'
    return start()
  })
  return disposable({
    url: `postgres://${postgresOwner}:${postgresOwner}@127.0.0.1:${port}/postgres`,
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
