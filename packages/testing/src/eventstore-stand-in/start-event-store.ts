import { once } from 'node:events'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import * as path from 'node:path'
import type { StandInControl } from './start-stand-in.ts'
import { startTemporaryStandIn } from './temporary-stand-in.ts'

/** An event store for tests, and what it is. */
export type StartedEventStore = AsyncDisposable & {
  /** For the client: `esdb://…`. */
  readonly url: string
} & (
    | { readonly kind: 'given' }
    | { readonly kind: 'container'; readonly image: string }
    | { readonly kind: 'stand-in'; readonly control: StandInControl }
  )

/** The image that is tried where an engine runs and no other was named. */
export const defaultEventStoreImage = 'eventstore/eventstore:24.10'

const containerStartMs = 120_000
let told = false

/**
 * An event store for tests, the most real one that can be had:
 * 1. `HOLDFAST_EVENTSTORE_URL`: that server, as it is.
 * 2. `HOLDFAST_EVENTSTORE_IMAGE`: a container of that image; a failure to start it is a failure of the tests.
 * 3. Where a Docker engine runs: a container of {@link defaultEventStoreImage}.
 * 4. The stand-in, which says on stderr, once per process, that it stands in.
 */
export async function startEventStore(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<StartedEventStore> {
  const url = env['HOLDFAST_EVENTSTORE_URL']
  if (url) return { kind: 'given', url, [Symbol.asyncDispose]: () => Promise.resolve() }
  const image = env['HOLDFAST_EVENTSTORE_IMAGE']
  if (image) return startContainer(image)
  let reason = 'no Docker engine answers'
  if (await engineAnswers(env)) {
    try {
      return await startContainer(defaultEventStoreImage)
    } catch (error) {
      reason = `${defaultEventStoreImage} did not start (${error instanceof Error ? error.message : String(error)})`
    }
  }
  if (!told) {
    told = true
    process.stderr.write(
      `\n*** EventStoreDB is NOT what is tested here: ${reason}, so the STAND-IN answers in its place.\n` +
        '*** Set HOLDFAST_EVENTSTORE_URL or HOLDFAST_EVENTSTORE_IMAGE to test against a real server.\n\n',
    )
  }
  const standIn = await startTemporaryStandIn()
  return {
    kind: 'stand-in',
    url: standIn.current.url,
    control: standIn.current.control,
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}

async function startContainer(image: string): Promise<StartedEventStore> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const settings = { INSECURE: 'true', CLUSTER_SIZE: '1', RUN_PROJECTIONS: 'None', ENABLE_ATOM_PUB_OVER_HTTP: 'false' }
  const container = await new GenericContainer(image)
    // From 25 on the variables have the new name; each version reads its own and leaves the other.
    .withEnvironment(
      Object.fromEntries(
        Object.entries(settings).flatMap(([name, value]) => [
          [`EVENTSTORE_${name}`, value],
          [`KURRENTDB_${name}`, value],
        ]),
      ),
    )
    .withExposedPorts(2113)
    .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
    .withStartupTimeout(containerStartMs)
    .start()
  return {
    kind: 'container',
    image,
    url: `esdb://${container.getHost()}:${container.getMappedPort(2113)}?tls=false`,
    async [Symbol.asyncDispose]() {
      await container.stop()
    },
  }
}

/** Asked before testcontainers is loaded, which takes longer than a whole suite against the stand-in. */
async function engineAnswers(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const host = env['DOCKER_HOST']
  if (host && !host.startsWith('unix://')) return true
  const sockets = host
    ? [host.slice('unix://'.length)]
    : [
        '/var/run/docker.sock',
        path.join(env['XDG_RUNTIME_DIR'] ?? '/run', 'docker.sock'),
        path.join(homedir(), '.docker', 'run', 'docker.sock'),
        path.join(homedir(), '.colima', 'default', 'docker.sock'),
      ]
  for (const socketPath of sockets) {
    const socket = connect({ path: socketPath })
    const answers = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (answers) return true
  }
  return false
}
