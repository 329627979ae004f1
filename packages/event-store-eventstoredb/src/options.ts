/** Where the adapter writes what it notices; pino's loggers fit. */
export interface AdapterLogger {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface EventStoreDbOptions {
  /**
   * `esdb://…` or `esdb+discover://…`. `throwOnAppendFailure` is always true here, whatever the string says: the client
   * answers with a wrong revision otherwise. An `esdb://` URL without `tls=false` means TLS.
   */
  readonly connectionString: string
  /**
   * How long one append may take before its outcome counts as unknown, milliseconds. Default 5000: the server's own
   * limit is about 2000, and what is later than twice that is lost. The client has no limit of its own in batch mode.
   */
  readonly appendTimeoutMs?: number
  /**
   * How long an unknown outcome is looked into (reading, and appending the same ids again) before `unknown-outcome` is
   * thrown, milliseconds. Default 5000. 0: at once. An append is settled within `appendTimeoutMs` + this.
   */
  readonly resolveTimeoutMs?: number
  /** How long a read, and the start of a subscription, may take, milliseconds. Default 5000. */
  readonly readTimeoutMs?: number
  /**
   * How long a read waits to see what a conflict has told of and the index does not show yet, milliseconds. Default
   * 2000, the server's own limit for a write. After that it gives what there is.
   */
  readonly staleReadWaitMs?: number
  /**
   * Largest data + metadata of one event, bytes of UTF-8. Default 1 MiB - 1 KiB: servers up to 25.0 take 1 MiB an
   * append, and the type's name counts too.
   */
  readonly maxEventBytes?: number
  /** Largest append, bytes as the server counts them (data + metadata + 2 × type). Default 1 MiB, at least maxEventBytes + 1 KiB. */
  readonly maxAppendBytes?: number
  /**
   * How many records the server looks at for a subscription before it tells where it is. Default 1000: much lower
   * makes it slow where little matches.
   */
  readonly maxSearchWindow?: number
  /** Longest pause between two attempts to take up a subscription again, milliseconds. Default 5000. */
  readonly maxBackOffMs?: number
  readonly logger?: AdapterLogger
}

export type ResolvedOptions = Required<EventStoreDbOptions>

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

const silent: AdapterLogger = { debug: () => undefined, warn: () => undefined }

/** Fills in the defaults. @throws RangeError that names the option, its value and what is allowed. */
export function resolveOptions(given: EventStoreDbOptions): ResolvedOptions {
  if (!/^esdb(\+discover)?:\/\//.test(given.connectionString)) {
    throw new RangeError('connectionString must begin with esdb:// or esdb+discover://')
  }
  const maxEventBytes = given.maxEventBytes ?? mebibyte - kibibyte
  const options: ResolvedOptions = {
    connectionString: given.connectionString,
    appendTimeoutMs: given.appendTimeoutMs ?? 5_000,
    resolveTimeoutMs: given.resolveTimeoutMs ?? 5_000,
    readTimeoutMs: given.readTimeoutMs ?? 5_000,
    staleReadWaitMs: given.staleReadWaitMs ?? 2_000,
    maxEventBytes,
    maxAppendBytes: given.maxAppendBytes ?? Math.max(mebibyte, maxEventBytes + kibibyte),
    maxSearchWindow: given.maxSearchWindow ?? 1_000,
    maxBackOffMs: given.maxBackOffMs ?? 5_000,
    logger: given.logger ?? silent,
  }
  const lowest = {
    appendTimeoutMs: 1,
    resolveTimeoutMs: 0,
    readTimeoutMs: 1,
    staleReadWaitMs: 0,
    maxEventBytes: 1,
    maxAppendBytes: 1,
    maxSearchWindow: 1,
    maxBackOffMs: 1,
  }
  for (const [name, least] of Object.entries(lowest)) {
    const value = options[name as keyof typeof lowest]
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(`${name} is ${value}; allowed: a whole number from ${least} on`)
    }
  }
  return options
}
