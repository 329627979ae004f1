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
  return pino({ level, base: { service }, timestamp: stdTimeFunctions.isoTime }, destination ?? standardOutput())
}

/** What may wait to be written, bytes; lines beyond that are lost. */
const maxWaitingBytes = 4 * 1024 * 1024

/**
 * A log that cannot be written, because its disk is full, must not end the process: the lines wait, and go out when
 * there is room.
 */
function standardOutput(): DestinationStream {
  const output = pino.destination({ sync: false, minLength: 0, maxLength: maxWaitingBytes })
  output.on('error', () => undefined)
  return output
}
