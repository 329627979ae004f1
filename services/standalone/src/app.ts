import { loadAppModule, type Settings } from '@holdfast/config'
import { CommandGateway, CommandHandler, isApp, recoverAccepted, systemClock, systemIds } from '@holdfast/core'
import { createSqliteEventStore } from '@holdfast/event-store-sqlite'
import { buildGateway } from '@holdfast/gateway/app.ts'
import { closeInOrder } from '@holdfast/gateway/close-in-order.ts'
import { createMetrics, type Logger } from '@holdfast/observability'

export interface Standalone {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string
  stop(): Promise<void>
}

/** The embedded runtime: gateway and handler in this process, the event store on SQLite. */
export async function startStandalone(settings: Settings, log: Logger): Promise<Standalone> {
  const app = await loadAppModule(settings.APP, isApp)
  const metrics = createMetrics()
  const store = await createSqliteEventStore({
    dataDir: settings.DATA_DIR,
    onBatch: ({ appends, durationMs }) => {
      if (appends > 0) metrics.batch(appends, durationMs / 1000)
    },
    onFault: (error) => {
      log.error({ err: error }, 'the event store failed')
    },
  })
  const handler = new CommandHandler({
    app,
    store,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: settings.CLOCK_SKEW_MS,
    graceMs: 0,
    observer: {
      attemptFailed: ({ envelope, commandId, attempt, error }) => {
        metrics.attemptFailed(envelope.command)
        log.warn(
          { err: error, commandId, command: envelope.command, attempt, reqId: envelope.requestId },
          'a try failed',
        )
      },
      decided: ({ envelope, outcome }) => {
        metrics.outcome(envelope.command, outcome)
      },
    },
  })
  const gateway = new CommandGateway({
    transport: handler,
    store,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: settings.CLOCK_SKEW_MS,
    maxInFlight: settings.MAX_IN_FLIGHT,
    durableTimeoutMs: settings.DURABLE_TIMEOUT_MS,
    readFirst: false,
  })
  metrics.watch({ answering: () => gateway.answering, keysInFlight: () => gateway.keysInFlight })
  let serving = true
  const server = await buildGateway({
    app,
    gateway,
    store,
    ids: systemIds,
    metrics,
    log,
    settings,
    ready: () => serving,
    serving: () => serving,
  })
  const recovering = new AbortController()
  const recovered = recoverAccepted({
    store,
    checkpoints: store.checkpoints,
    transport: handler,
    signal: recovering.signal,
  })
  recovered.then(
    ({ found }) => {
      if (found > 0) log.info({ found }, 'finished what was accepted before the start')
    },
    (error: unknown) => {
      if (!recovering.signal.aborted)
        log.error({ err: error }, 'accepted commands could not be looked through; the next start does it')
    },
  )
  const url = await server.listen({ host: settings.HOST, port: settings.PORT })
  return {
    url,
    async stop() {
      serving = false
      await closeInOrder({ server, gateway, drainMs: settings.DRAIN_MS })
      recovering.abort()
      await handler.close()
      await recovered.catch(() => undefined)
      await store.close()
    },
  }
}
