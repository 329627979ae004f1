import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../kafka/free-ports.ts'
import { PostgresUnavailableError } from './postgres-programs.ts'
import { disposable, type PostgresServer, type StartPostgresOptions } from './postgres-server.ts'
import { createPostgresProcess, killWithChildren, type PostgresProcess } from './server-process.ts'

const tries = 3

/** A server from this machine's programs, with its data in a temporary folder that `close` deletes. */
export async function startLocalServer(options: StartPostgresOptions): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
  try {
    // The server's account goes through it to its own folder; that one is closed to others.
    await chmod(folder, 0o711)
    const server = await startOnFreePort(folder, options)
    // The server would outlive a test process that dies.
    const onExit = (): void => {
      if (server.pid !== undefined) killWithChildren(server.pid)
    }
    process.once('exit', onExit)
    return disposable({
      url: server.url,
      runtime: 'local',
      kill: () => server.kill(),
      restart: async () => {
        await server.stop()
        await server.start()
      },
      close: async () => {
        process.removeListener('exit', onExit)
        await server.kill()
        await rm(folder, { recursive: true, force: true, maxRetries: 5 })
      },
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    throw error
  }
}

/** A free port may be taken by another process before the server binds it: then again with another. */
async function startOnFreePort(folder: string, options: StartPostgresOptions): Promise<PostgresProcess> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await freePorts(1)
    const server = await createPostgresProcess({ ...options, port, dataDir: join(folder, String(attempt)) })
    try {
      await server.start()
      return server
    } catch (error) {
      const taken = error instanceof PostgresUnavailableError && error.message.includes('listen')
      if (!taken || attempt === tries) throw error
    }
  }
}
