import type { Settings } from '@holdfast/config'
import { systemClock, type App, type EventStore } from '@holdfast/core'
import type { Logger } from '@holdfast/observability'
import { createProjectionReader, type ProjectionReader } from '@holdfast/projections'
import { createPostgresReadStore } from '@holdfast/read-store-postgres'

export interface ProjectionReading {
  readonly reader: ProjectionReader
  close(): Promise<void>
}

export interface ProjectionReadingOptions {
  readonly app: App
  readonly events: EventStore
  readonly settings: Settings
  readonly log: Logger
  /** Name of this process in `pg_stat_activity`. */
  readonly instanceId: string
}

/**
 * What projectors keep in PostgreSQL, to read. It needs no right to write there, and makes no schema: a projector does.
 * Undefined for an application without projections, and without `HOLDFAST_READ_STORE_URL`.
 */
export function openProjectionReading(options: ProjectionReadingOptions): ProjectionReading | undefined {
  const { app, events, settings, log, instanceId } = options
  if (app.projections.length === 0) return undefined
  if (settings.READ_STORE_URL === '') {
    log.warn('HOLDFAST_READ_STORE_URL is not set: the projections of the application are not served')
    return undefined
  }
  const store = createPostgresReadStore({
    url: settings.READ_STORE_URL,
    schema: settings.READ_STORE_SCHEMA,
    migrate: false,
    maxConnections: settings.READ_STORE_CONNECTIONS,
    applicationName: instanceId.slice(0, 63),
    logger: log,
  })
  const waitMs = settings.PROJECTION_WAIT_MS
  return {
    reader: createProjectionReader({ events, store, clock: systemClock, waitMs }),
    close: () => store.close(),
  }
}
