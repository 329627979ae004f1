import type { Clock, EventStore, Projection, ReadStore } from '@holdfast/core'
import type { ProjectionStanding } from '@holdfast/observability'
import { projectionLagMs, type Projector } from '@holdfast/projections'

export interface StandingsOptions {
  readonly projections: readonly Projection[]
  readonly projectors: readonly Projector[]
  readonly events: EventStore
  readonly store: ReadStore
  readonly clock: Clock
}

/** A collection of the metrics does not wait longer for the stores. */
const measureMs = 2_000

/** How the projections stand, asked anew at each call. Where a store does not answer in time, the lag is undefined. */
export async function projectionStandings(options: StandingsOptions): Promise<readonly ProjectionStanding[]> {
  const { projections, projectors } = options
  return Promise.all(
    projections.map(async (projection) => {
      const { name, version } = projection
      const state = projectors.find((projector) => projector.projection === name)?.state ?? 'stopped'
      return { projection: name, version, state, lagSeconds: await lagSeconds(projection, options) }
    }),
  )
}

async function lagSeconds(projection: Projection, options: StandingsOptions): Promise<number | undefined> {
  const signal = AbortSignal.timeout(measureMs)
  const late = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(undefined)
    })
  })
  const lagMs = await Promise.race([projectionLagMs(projection, { ...options, signal }).catch(() => undefined), late])
  return lagMs === undefined ? undefined : lagMs / 1_000
}
