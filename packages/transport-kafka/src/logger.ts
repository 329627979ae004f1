/** What this package logs to: a pino logger fits as it is. */
export interface KafkaLogger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const nothing = () => undefined

/** Logs nothing. */
export const silentLogger: KafkaLogger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
