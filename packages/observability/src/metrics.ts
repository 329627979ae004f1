import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { createResultMetrics, type ResultMetrics } from './result-metrics.ts'
import { createProjectionMetrics, type ProjectionMetrics } from './projection-metrics.ts'

export interface MetricsSources {
  /** Requests being answered now. */
  readonly answering: () => number
  /** Keys in flight now. */
  readonly keysInFlight: () => number
}

/** How an attempt ended, for `holdfast_attempts_total`. */
export type AttemptResult =
  | 'executed'
  | 'attached'
  | 'replayed'
  | 'pending'
  | 'mismatch'
  | 'conflict'
  | 'expired'
  | 'invalid'
  | 'overloaded'
  | 'unavailable'

export interface Metrics {
  /** Where the gauges of a gateway come from; call it once. */
  watch(sources: MetricsSources): void
  attempt(command: string, result: AttemptResult, seconds: number): void
  outcome(command: string, outcome: 'succeeded' | 'rejected' | 'failed'): void
  attemptFailed(command: string): void
  batch(appends: number, seconds: number): void
  readonly results: ResultMetrics
  readonly projections: ProjectionMetrics
  /** The exposition text and its content type. */
  expose(): Promise<{ readonly contentType: string; readonly body: string }>
}

const latencyBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Counters and histograms of one process, in the Prometheus exposition format. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const attempts = new Counter({
    name: 'holdfast_attempts_total',
    help: 'Attempts at commands, by how they ended.',
    labelNames: ['command', 'result'],
    registers,
  })
  const latency = new Histogram({
    name: 'holdfast_attempt_duration_seconds',
    help: 'Time from the validated request to its answer.',
    labelNames: ['result'],
    buckets: latencyBuckets,
    registers,
  })
  const outcomes = new Counter({
    name: 'holdfast_outcomes_total',
    help: 'Outcomes recorded, once for each generation of a key.',
    labelNames: ['command', 'outcome'],
    registers,
  })
  const failures = new Counter({
    name: 'holdfast_handler_failures_total',
    help: 'Tries of a handler that threw or ran out of time.',
    labelNames: ['command'],
    registers,
  })
  const batchSize = new Histogram({
    name: 'holdfast_append_batch_size',
    help: 'Appends that shared one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    registers,
  })
  const batchSeconds = new Histogram({
    name: 'holdfast_append_batch_duration_seconds',
    help: 'Time of one commit, the fsync included.',
    buckets: latencyBuckets,
    registers,
  })
  // The series of a set of labels is looked up once: finding it again costs more than counting.
  const countAttempt = once((command, result) => attempts.labels(command, result))
  const countOutcome = once((command, outcome) => outcomes.labels(command, outcome))
  const observeLatency = once((result) => latency.labels(result))
  return {
    results: createResultMetrics(registry),
    projections: createProjectionMetrics(registry),
    watch(sources) {
      new Gauge({
        name: 'holdfast_requests_in_flight',
        help: 'Attempts being answered.',
        registers,
        collect() {
          this.set(sources.answering())
        },
      })
      new Gauge({
        name: 'holdfast_keys_in_flight',
        help: 'Keys being worked on.',
        registers,
        collect() {
          this.set(sources.keysInFlight())
        },
      })
    },
    attempt(command, result, seconds) {
      countAttempt(command, result).inc()
      observeLatency(result).observe(seconds)
    },
    outcome(command, outcome) {
      countOutcome(command, outcome).inc()
    },
    attemptFailed(command) {
      failures.inc({ command })
    },
    batch(appends, seconds) {
      batchSize.observe(appends)
      batchSeconds.observe(seconds)
    },
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

/** Remembers what `find` gives for each pair of labels: there are few. */
function once<T>(find: (first: string, second: string) => T): (first: string, second?: string) => T {
  const found = new Map<string, Map<string, T>>()
  return (first, second = '') => {
    const bySecond = found.get(first) ?? new Map<string, T>()
    if (bySecond.size === 0) found.set(first, bySecond)
    const known = bySecond.get(second)
    if (known !== undefined) return known
    const series = find(first, second)
    bySecond.set(second, series)
    return series
  }
}
