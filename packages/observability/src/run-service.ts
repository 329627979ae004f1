import type { Logger } from './logger.ts'
import { startFault } from './start-fault.ts'

export interface RunningService {
  /** Answers what is in flight and lets go of everything; resolves when the process may end. */
  stop(): Promise<void>
}

export interface RunServiceOptions {
  readonly start: () => Promise<{ readonly service: RunningService; readonly log: Logger }>
  /** After this the process ends whatever is left, milliseconds. */
  readonly stopTimeoutMs: number
}

/**
 * Starts a service, and stops it in order on SIGINT or SIGTERM (a second signal ends the process at once). A start that
 * fails prints one line for each fault and exits with 1.
 */
export async function runService({ start, stopTimeoutMs }: RunServiceOptions): Promise<void> {
  let running: Awaited<ReturnType<RunServiceOptions['start']>>
  try {
    running = await start()
  } catch (error) {
    process.stderr.write(`${startFault(error)}\n`)
    process.exit(1)
  }
  const { service, log } = running
  let stopping = false
  const stop = (signal: string): void => {
    if (stopping) process.exit(130)
    stopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => {
      log.error({ stopTimeoutMs }, 'the stop took too long; what is accepted is finished at the next start')
      process.exit(1)
    }, stopTimeoutMs).unref()
    service.stop().then(
      () => {
        log.info('stopped')
        process.exit(0)
      },
      (error: unknown) => {
        log.error({ err: error }, 'stop failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', () => {
    stop('SIGINT')
  })
  process.on('SIGTERM', () => {
    stop('SIGTERM')
  })
}
