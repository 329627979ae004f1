/** Where the adapter writes what it notices; pino's loggers fit. */
export interface AdapterLogger {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface PostgresReadStoreOptions {
  /**
   * `postgres://user:password@host:port/database`. `sslmode=verify-full` (with `sslrootcert=<file>` for an authority of
   * your own) encrypts; without it nothing is encrypted.
   */
  readonly url: string
  /**
   * Schema that holds everything; another for each Holdfast that shares the database. Lower-case letters, digits and
   * underscores, at most 63. Default `holdfast`.
   */
  readonly schema?: string
  /**
   * Make the schema, and bring it to this version, where that is missing: needs the right to do so. Default true. With false
   * (for those who only read) everything is `unavailable` until somebody else has.
   */
  readonly migrate?: boolean
  /** Most connections at one time. Further calls wait, at most `connectTimeoutMs`. Default 10. */
  readonly maxConnections?: number
  /** How long a call waits for a connection, milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number
  /** How long one statement may take, waiting for locks included, milliseconds. Default 15,000. */
  readonly statementTimeoutMs?: number
  /** Name of this process in `pg_stat_activity`. Default `holdfast`. */
  readonly applicationName?: string
  readonly logger?: AdapterLogger
}

export type ResolvedOptions = Required<PostgresReadStoreOptions>

const silent: AdapterLogger = { debug: () => undefined, warn: () => undefined }

/** Fills in the defaults. @throws RangeError that names the option, its value and what is allowed; never the URL */
export function resolveOptions(given: PostgresReadStoreOptions): ResolvedOptions {
  const options: ResolvedOptions = {
    url: given.url,
    schema: given.schema ?? 'holdfast',
    migrate: given.migrate ?? true,
    maxConnections: given.maxConnections ?? 10,
    connectTimeoutMs: given.connectTimeoutMs ?? 5_000,
    statementTimeoutMs: given.statementTimeoutMs ?? 15_000,
    applicationName: given.applicationName ?? 'holdfast',
    logger: given.logger ?? silent,
  }
  if (!/^postgres(ql)?:\/\/./.test(options.url))
    throw new RangeError('url must begin with postgres:// or postgresql://')
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(options.schema) || options.schema.startsWith('pg_')) {
    throw new RangeError(
      `schema is "${options.schema}"; allowed: at most 63 of a-z 0-9 _, not a digit first, not pg_ first`,
    )
  }
  for (const name of ['maxConnections', 'connectTimeoutMs', 'statementTimeoutMs'] as const) {
    const value = options[name]
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${name} is ${value}; allowed: a whole number from 1 on`)
    }
  }
  return options
}
