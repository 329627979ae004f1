/** A running PostgreSQL server for tests. Closes itself with `await using`. */
export interface PostgresServer extends AsyncDisposable {
  /** `postgres://user:password@host:port/database`; the user may make schemas. */
  readonly url: string
  /** What runs it. */
  readonly runtime: 'external' | 'local' | 'docker'
  /** SIGKILL to the server; resolves when it is gone. Rejects for a server that the test kit did not start. */
  kill(): Promise<void>
  /** Starts it again with the same data on the same port; resolves when it serves. Stops it first if it runs. */
  restart(): Promise<void>
  /** Stops it and deletes its data. */
  close(): Promise<void>
}

export interface StartPostgresOptions {
  /** Called with each line that the server logs, where the programs of this machine run it. */
  readonly onLog?: (line: string) => void
}

/** The one place that makes a server disposable. */
export function disposable(server: Omit<PostgresServer, typeof Symbol.asyncDispose>): PostgresServer {
  return { ...server, [Symbol.asyncDispose]: () => server.close() }
}
