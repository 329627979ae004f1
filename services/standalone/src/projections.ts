import type { Settings } from '@holdfast/config'
import { systemClock, type App, type EventStore, type ReadStore } from '@holdfast/core'
import type { Logger, Metrics } from '@holdfast/observability'
import {
  createProjectionReader,
  projectionLagMs,
  startProjectors,
  type ProjectionReader,
  type ProjectorObserver,
} from '@holdfast/projections'
import { createSqliteReadStore } from '@holdfast/read-store-sqlite'

export interface EmbeddedProjections {
  readonly reader: ProjectionReader
  /** Commits what is folded, and closes the read store. */
  stop(): Promise<void>
}

/** One process has the data folder: at the next start it is the same owner, and waits for no lease. */
const owner = 'standalone'

/** Projector, read store and reader of the embedded runtime; undefined for an application without projections. */
export function startEmbeddedProjections(
  { app, events, settings }: { readonly app: App; readonly events: EventStore; readonly settings: Settings },
  { log, metrics }: { readonly log: Logger; readonly metrics: Metrics },
): EmbeddedProjections | undefined {
  if (app.projections.length === 0) return undefined
  const store: ReadStore = createSqliteReadStore({ dataDir: settings.DATA_DIR })
  const reader = createProjectionReader({ events, store, clock: systemClock, waitMs: settings.PROJECTION_WAIT_MS })
  const observer: ProjectorObserver = {
    stateChanged: ({ projection, version, state, error }) => {
      const fields = { projection, version, state, ...(error !== undefined && { err: error }) }
      if (state === 'failed') log.error(fields, 'a projection stands still until its code is mended')
      else if (state === 'waiting') log.warn(fields, 'a store cannot be used; it is tried again')
      else if (state === 'superseded')
        log.warn(fields, 'a newer version of a projection is live: this one is not built')
      else log.debug(fields, 'projection')
    },
    committed: ({ projection, events: count, durationMs }) => {
      metrics.projections.committed(projection, count, durationMs / 1_000)
      reader.wake()
    },
  }
  const snapshotEvery = settings.PROJECTION_SNAPSHOT_EVERY
  const projectors = startProjectors(app.projections, {
    events,
    store,
    clock: systemClock,
    owner,
    snapshotEvery,
    observer,
  })
  metrics.projections.watch(() =>
    Promise.all(
      app.projections.map(async (projection, at) => {
        const { name, version } = projection
        const signal = AbortSignal.timeout(2_000)
        const lagMs = await projectionLagMs(projection, { events, store, clock: systemClock, signal }).catch(
          () => undefined,
        )
        const state = projectors[at]?.state ?? 'stopped'
        return { projection: name, version, state, lagSeconds: lagMs === undefined ? undefined : lagMs / 1_000 }
      }),
    ),
  )
  return {
    reader,
    async stop() {
      await Promise.all(projectors.map((projector) => projector.stop()))
      await store.close()
    },
  }
}
