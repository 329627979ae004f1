import { loadAppModule, type Settings } from '@holdfast/config'
import {
  CommandGateway,
  CommandHandler,
  createStoreResultFeed,
  isApp,
  sendSeeds,
  shareResults,
  startCompleter,
  startHistorySweep,
  systemClock,
  systemIds,
} from '@holdfast/core'
import { createSqliteEventStore } from '@holdfast/event-store-sqlite'
import { buildGateway } from '@holdfast/gateway/app.ts'
import { closeInOrder } from '@holdfast/gateway/close-in-order.ts'
import { createMetrics, type Logger } from '@holdfast/observability'
import { startEmbeddedProjections } from './projections.ts'

/** Outcomes of about the last 20,000 commands, so that a storm of retries is answered from memory. */
const cacheBytes = 16 * 1024 * 1024

export interface Standalone {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string
  stop(): Promise<void>
}

/** The embedded runtime: gateway, handler and projector in this process, events and projections on SQLite. */
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
    cacheBytes,
  })
  metrics.watch({ answering: () => gateway.answering, keysInFlight: () => gateway.keysInFlight })
  const results = shareResults(
    createStoreResultFeed({
      store,
      onUnreadable: ({ stream, revision }, error) => {
        log.error({ err: error, stream, revision: String(revision) }, 'an event cannot be understood: it is no result')
      },
    }),
  )
  const projections = startEmbeddedProjections({ app, events: store, settings }, { log, metrics })
  const stopping = new AbortController()
  const server = await buildGateway({
    app,
    gateway,
    store,
    results,
    projections: projections?.reader,
    ids: systemIds,
    metrics,
    log,
    settings,
    ready: () => !stopping.signal.aborted,
    stopping: stopping.signal,
  })
  const completer = startCompleter({
    store,
    checkpoints: store.checkpoints,
    transport: handler,
    clock: systemClock,
    // No other process works on this store.
    leaseMs: 0,
    everyMs: settings.COMPLETER_MS,
    onRecovered: ({ found, unreadable }) => {
      if (found > 0) log.info({ found }, 'finished what was accepted and had no outcome')
      if (unreadable.length > 0) log.error({ streams: unreadable }, 'these streams cannot be understood')
    },
    onFault: (error) => {
      log.warn({ err: error }, 'accepted commands could not be looked through; it is tried again')
    },
  })
  const history = startHistorySweep({
    app,
    store,
    checkpoints: store.checkpoints,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: settings.CLOCK_SKEW_MS,
    everyMs: settings.HISTORY_SWEEP_MS,
    onSwept: ({ removed, tooLarge }) => {
      if (removed > 0) log.info({ removed }, 'removed the history of keys that had expired')
      if (tooLarge.length > 0) log.warn({ streams: tooLarge }, 'these streams have too many events to be removed')
    },
    onFault: (error) => {
      log.warn({ err: error }, 'expired history could not be looked through; it is tried again')
    },
  })
  const url = await server.listen({ host: settings.HOST, port: settings.PORT })
  if (app.notice !== undefined) log.info(app.notice)
  for (const answer of await sendSeeds(app, { gateway, ids: systemIds, waitMs: settings.WAIT_MS })) {
    if (answer.kind === 'refused') log.warn({ code: answer.code, err: answer.cause }, 'a seed was refused')
  }
  return {
    url,
    async stop() {
      stopping.abort()
      await closeInOrder({ server, gateway, drainMs: settings.DRAIN_MS })
      const completed = Promise.all([completer.stop(), history.stop()])
      await handler.close()
      await completed
      await projections?.stop()
      await store.close()
    },
  }
}
