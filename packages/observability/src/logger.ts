import { pino, stdTimeFunctions, type DestinationStream, type Logger as PinoLogger } from 'pino'

/** Structured log, one JSON line each. Fields first, then the message. */
export type Logger = PinoLogger

export interface LoggerOptions {
  /** Least level that is written. */
  readonly level: string
  /** Name of the service, on every line. */
  readonly service: string
  /** Default: standard output. */
  readonly destination?: DestinationStream
}

/** The process's logger. Keys and request bodies are passed to `debug` and `trace` only. */
export function createLogger({ level, service, destination }: LoggerOptions): Logger {
  return pino(
    { level, base: { service }, timestamp: stdTimeFunctions.isoTime },
    destination ?? pino.destination({ sync: false, minLength: 0 }),
  )
}
