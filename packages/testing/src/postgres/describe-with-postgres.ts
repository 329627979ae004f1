import { afterAll, beforeAll, describe, test } from 'vitest'
import type { PostgresServer, StartPostgresOptions } from './postgres-server.ts'
import { findPostgresRuntime, startPostgres } from './start-postgres.ts'

export interface DescribeWithPostgresOptions extends StartPostgresOptions {
  /** The suite kills or restarts the server: it does not run on an external one. Default false. */
  readonly killsServer?: boolean
}

/**
 * A vitest suite with a PostgreSQL server of its own, started before its tests and closed after them. Where none can be
 * had it says so on standard error and skips; with `HOLDFAST_REQUIRE_POSTGRES=1` it fails instead.
 */
export function describeWithPostgres(
  name: string,
  define: (postgres: () => PostgresServer) => void,
  options: DescribeWithPostgresOptions = {},
): void {
  describe(name, async () => {
    const why = await whyNot(options)
    if (why !== undefined) {
      process.stderr.write(`\nNOT RUN: "${name}" needs a PostgreSQL server: ${why}.\n`)
      const required = process.env['HOLDFAST_REQUIRE_POSTGRES'] === '1'
      test.skipIf(!required)(`not run: ${why}`, () => {
        throw new Error(`HOLDFAST_REQUIRE_POSTGRES=1, and ${why}`)
      })
      return
    }
    let server: PostgresServer | undefined
    beforeAll(async () => {
      server = await startPostgres(options)
    }, 180_000)
    afterAll(async () => {
      await server?.close()
    })
    define(() => {
      if (server === undefined) throw new Error('the server is there from beforeAll on')
      return server
    })
  })
}

async function whyNot(options: DescribeWithPostgresOptions): Promise<string | undefined> {
  const runtime = await findPostgresRuntime()
  if (runtime.kind === 'none') return runtime.missing
  if (runtime.kind === 'external' && options.killsServer === true) {
    return 'the external server of HOLDFAST_POSTGRES_URL must not be killed'
  }
  return undefined
}
