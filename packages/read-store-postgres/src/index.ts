/**
 * The `ReadStore` port on PostgreSQL.
 *
 * - `read-store.ts`: the port's methods
 * - `options.ts`: options and their defaults
 * - `schema.ts`, `functions.ts`: tables, and the writes as functions of the database
 * - `migrate.ts`: brings the schema to the version of this code
 * - `statements.ts`, `rows.ts`: reads and small writes; what rows mean
 * - `under-way.ts`: order of the writes to a build; what a close waits for
 * - `database.ts`, `faults.ts`: connections, time-outs, and what their errors mean
 */
export type { AdapterLogger, PostgresReadStoreOptions } from './options.ts'
export { createPostgresReadStore } from './read-store.ts'
