import { dockerEngineRuns } from '../kafka/docker-broker.ts'
import { startDockerServer } from './docker-server.ts'
import { startLocalServer } from './local-server.ts'
import { findPostgresPrograms, PostgresUnavailableError } from './postgres-programs.ts'
import { disposable, type PostgresServer, type StartPostgresOptions } from './postgres-server.ts'

/** How a server can be had here. */
export type PostgresRuntime =
  | { readonly kind: 'external'; readonly url: string }
  | { readonly kind: 'local' }
  | { readonly kind: 'docker' }
  | { readonly kind: 'none'; readonly missing: string }

/**
 * Looks, in this order, for `HOLDFAST_POSTGRES_URL` (a running server, `postgres://…`), the server's programs on this
 * machine, and a Docker engine. `HOLDFAST_POSTGRES_RUNTIME` = `local` or `docker` takes that one.
 */
export async function findPostgresRuntime(): Promise<PostgresRuntime> {
  const url = process.env['HOLDFAST_POSTGRES_URL'] ?? ''
  if (url !== '') return { kind: 'external', url }
  const wanted = process.env['HOLDFAST_POSTGRES_RUNTIME'] ?? ''
  if (wanted !== '' && wanted !== 'local' && wanted !== 'docker') {
    throw new Error(`HOLDFAST_POSTGRES_RUNTIME is "${wanted}": allowed are local, docker, or nothing`)
  }
  if (wanted !== 'docker' && findPostgresPrograms() !== undefined) return { kind: 'local' }
  if (wanted === 'local') return { kind: 'none', missing: 'PostgreSQL is not installed (Debian: postgresql)' }
  if (await dockerEngineRuns()) return { kind: 'docker' }
  return { kind: 'none', missing: 'PostgreSQL is not installed (Debian: postgresql), and no Docker engine answers' }
}

/**
 * A real server for a test, with {@link findPostgresRuntime}. Several may run at once.
 *
 * @throws PostgresUnavailableError when there is none
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<PostgresServer> {
  const runtime = await findPostgresRuntime()
  switch (runtime.kind) {
    case 'external':
      return externalServer(runtime.url)
    case 'local':
      return startLocalServer(options)
    case 'docker':
      return startDockerServer()
    case 'none':
      throw new PostgresUnavailableError(runtime.missing)
  }
}

/** A server that was there before and stays: it cannot be killed from here. */
function externalServer(url: string): PostgresServer {
  const refuse = (action: string) =>
    Promise.reject(new Error(`HOLDFAST_POSTGRES_URL names a running server: the test kit does not ${action} it`))
  return disposable({
    url,
    runtime: 'external',
    kill: () => refuse('kill'),
    restart: () => refuse('restart'),
    close: () => Promise.resolve(),
  })
}
