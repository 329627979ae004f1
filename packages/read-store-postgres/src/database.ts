import pg from 'pg'
import { readStoreErrorOf } from './faults.ts'
import type { ResolvedOptions } from './options.ts'

/** Parameters of a statement. */
export type Values = readonly (string | number | bigint | boolean | null | readonly (string | number | null)[])[]

/** Connections, with the errors of the port. */
export interface Database {
  /** One statement, in a transaction of its own. @throws ReadStoreError */
  query<Row>(text: string, values: Values): Promise<readonly Row[]>
  /** Several statements on one connection, in one transaction. @throws ReadStoreError */
  transaction<T>(work: (query: Database['query']) => Promise<T>): Promise<T>
  /** Ends all connections; call it when nothing is under way. */
  close(): Promise<void>
}

/** How much longer than the server this process waits for an answer: for a connection that died without a word. */
const answerMarginMs = 2_000

/** `bigint` columns as bigint: as numbers they would lose digits beyond 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    (oid === pg.types.builtins.INT8 ? BigInt : pg.types.getTypeParser(oid, format)) as (text: string) => unknown,
}

/** Connects when it is needed, and again after a connection was lost. */
export function openDatabase(options: ResolvedOptions): Database {
  const { logger } = options
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + answerMarginMs,
    // A process that is paused in the middle of a migration must not hold its locks for ever.
    idle_in_transaction_session_timeout: options.statementTimeoutMs,
    keepAlive: true,
    types,
  })
  // A connection that breaks while nobody uses it; without a listener the process would end.
  pool.on('error', (error) => logger.warn({ err: error }, 'a connection to PostgreSQL broke'))
  return {
    query: <Row>(text: string, values: Values) =>
      told(async () => (await pool.query(text, [...values])).rows as readonly Row[]),
    transaction: (work) =>
      told(async () => {
        const client = await pool.connect()
        let fault: Error | undefined
        // Once it is out of the pool its errors are nobody else's; the query under way is told too.
        const onError = (error: Error): void => {
          fault = error
        }
        client.on('error', onError)
        try {
          await client.query('BEGIN')
          const result = await work(async <Row>(text: string, values: Values) => {
            return (await client.query(text, [...values])).rows as readonly Row[]
          })
          await client.query('COMMIT')
          return result
        } catch (error) {
          fault = error instanceof Error ? error : new Error(String(error))
          throw error
        } finally {
          client.removeListener('error', onError)
          // With an error the connection is not used again, which rolls back.
          client.release(fault)
        }
      }),
    close: () => pool.end(),
  }
}

/** With the errors of the port. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw readStoreErrorOf(error)
  }
}
