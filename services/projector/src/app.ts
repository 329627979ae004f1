import { loadAppModule, SettingsError, type Settings } from '@holdfast/config'
import { isApp, systemClock, systemIds } from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { createMetrics, startHealthServer, type Logger } from '@holdfast/observability'
import { startProjectors, type ProjectorObserver, type ProjectorState } from '@holdfast/projections'
import { createPostgresReadStore } from '@holdfast/read-store-postgres'
import { projectionStandings } from './standings.ts'

export interface ProjectorService {
  /** Its name in claims. */
  readonly owner: string
  /** Where `/livez`, `/readyz` and `/metrics` are. */
  readonly url: string
  /** Resolves when each projection is kept here or by another process for the first time: stores that are away are waited for. */
  readonly started: Promise<void>
  stop(): Promise<void>
}

/** The projector of the distributed runtime: events from EventStoreDB, projections to PostgreSQL. Any number side by side. */
export async function startProjectorService(settings: Settings, log: Logger): Promise<ProjectorService> {
  if (settings.READ_STORE_URL === '') {
    throw new SettingsError('HOLDFAST_READ_STORE_URL is missing: a projector needs postgres://…')
  }
  const app = await loadAppModule(settings.APP, isApp)
  if (app.projections.length === 0) log.warn({ app: settings.APP }, 'the application has no projections')
  const owner = settings.INSTANCE_ID === '' ? `projector-${systemIds.uuid()}` : settings.INSTANCE_ID
  const metrics = createMetrics()
  const events = createEventStoreDbEventStore({ connectionString: settings.EVENTSTORE_URL, logger: log })
  const store = createPostgresReadStore({
    url: settings.READ_STORE_URL,
    schema: settings.READ_STORE_SCHEMA,
    maxConnections: settings.READ_STORE_CONNECTIONS,
    applicationName: owner.slice(0, 63),
    logger: log,
  })
  const begun = Promise.withResolvers<void>()
  const states = new Map<string, ProjectorState>(app.projections.map(({ name }) => [name, 'starting']))
  const ready = (): boolean => [...states.values()].every((state) => state !== 'starting' && state !== 'waiting')
  if (ready()) begun.resolve()
  const observer: ProjectorObserver = {
    stateChanged: ({ projection, version, state, error }) => {
      const fields = { projection, version, state, ...(error !== undefined && { err: error }) }
      if (state === 'failed') log.error(fields, 'a projection stands still until its code is mended')
      else if (state === 'waiting') log.warn(fields, 'a store is away; it is tried again')
      else log.info(fields, 'projection')
      states.set(projection, state)
      if (ready()) begun.resolve()
    },
    committed: ({ projection, events: count, durationMs }) => {
      metrics.projections.committed(projection, count, durationMs / 1_000)
    },
  }
  const { PROJECTION_LEASE_MS: leaseMs, PROJECTION_SNAPSHOT_EVERY: snapshotEvery } = settings
  const projectors = startProjectors(app.projections, {
    events,
    store,
    clock: systemClock,
    owner,
    leaseMs,
    snapshotEvery,
    observer,
  })
  metrics.projections.watch(() =>
    projectionStandings({ projections: app.projections, projectors, events, store, clock: systemClock }),
  )
  const health = await startHealthServer({
    host: settings.HOST,
    port: settings.PORT,
    metrics,
    ready: () => Promise.resolve(ready()),
  })
  return {
    owner,
    url: health.url,
    started: begun.promise,
    async stop() {
      await Promise.all(projectors.map((projector) => projector.stop()))
      await Promise.all([store.close(), events.close()])
      await health.close()
    },
  }
}
