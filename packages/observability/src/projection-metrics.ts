import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** How a projection stands, as one process sees it. */
export interface ProjectionStanding {
  readonly projection: string
  readonly version: number
  /** What this process's projector does: `live`, `standby`, …. */
  readonly state: string
  /** Age of the oldest event that what is read does not hold; undefined while it cannot be told. */
  readonly lagSeconds: number | undefined
}

/** Of a process that keeps projections. */
export interface ProjectionMetrics {
  /** Asked at each collection; call it once. */
  watch(standings: () => Promise<readonly ProjectionStanding[]>): void
  committed(projection: string, events: number, seconds: number): void
}

const commitBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createProjectionMetrics(registry: Registry): ProjectionMetrics {
  const registers = [registry]
  const events = new Counter({
    name: 'holdfast_projected_events_total',
    help: 'Events folded and committed by this process.',
    labelNames: ['projection'],
    registers,
  })
  const commits = new Histogram({
    name: 'holdfast_projection_commit_duration_seconds',
    help: 'Time of one commit of documents and checkpoint.',
    labelNames: ['projection'],
    buckets: commitBuckets,
    registers,
  })
  return {
    watch(standings) {
      const lag = new Gauge({
        name: 'holdfast_projection_lag_seconds',
        help: 'Age of the oldest event that what is read of the projection does not hold; 0 when there is none.',
        labelNames: ['projection'],
        registers,
      })
      new Gauge({
        name: 'holdfast_projector_state',
        help: '1 for what the projector of this process does now.',
        labelNames: ['projection', 'version', 'state'],
        registers,
        async collect() {
          this.reset()
          lag.reset()
          for (const { projection, version, state, lagSeconds } of await standings()) {
            this.set({ projection, version, state }, 1)
            if (lagSeconds !== undefined) lag.set({ projection }, lagSeconds)
          }
        },
      })
    },
    committed(projection, count, seconds) {
      events.inc({ projection }, count)
      commits.observe({ projection }, seconds)
    },
  }
}
