/**
 * A real PostgreSQL server for tests and for trying the distributed runtime by hand.
 *
 * - `start-postgres.ts`: which one (external, this machine's programs, Docker), and its start
 * - `describe-with-postgres.ts`: a vitest suite with a server, loud when there is none
 * - `postgres-server.ts`: what a started server can do
 * - `local-server.ts`, `docker-server.ts`: the two that are started
 * - `server-process.ts`, `server-files.ts`, `postgres-programs.ts`: the process, its data folder, the programs
 */
export type { DescribeWithPostgresOptions } from './describe-with-postgres.ts'
export type { PostgresProcess, PostgresProcessOptions } from './server-process.ts'
export type { PostgresRuntime } from './start-postgres.ts'
export type { PostgresServer, StartPostgresOptions } from './postgres-server.ts'
export { createPostgresProcess, killWithChildren } from './server-process.ts'
export { describeWithPostgres } from './describe-with-postgres.ts'
export { PostgresUnavailableError } from './postgres-programs.ts'
export { findPostgresRuntime, startPostgres } from './start-postgres.ts'
