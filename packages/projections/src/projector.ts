import {
  EventStoreError,
  ReadStoreError,
  type Clock,
  type EventStore,
  type Projection,
  type ProjectionFailure,
  type ReadStore,
} from '@holdfast/core'
import { FoldError } from './fold.ts'
import { followBuild, type BuildEnd } from './follow-build.ts'

/**
 * What a projector does:
 * - `starting`: it asks for the build
 * - `standby`: another process has it; this one asks again and takes over when that is not heard of any more
 * - `building`: it folds a version that is not read yet
 * - `live`: it folds the version that is read
 * - `waiting`: a store is away; it tries again
 * - `superseded`: a newer version is live; it has ended
 * - `failed`: the projection's code, or a store in a way that does not mend itself; it has ended
 * - `stopped`: by `stop()`
 */
export type ProjectorState =
  'starting' | 'standby' | 'building' | 'live' | 'waiting' | 'superseded' | 'failed' | 'stopped'

/** Reports to the log and the metrics; a callback must not throw. */
export interface ProjectorObserver {
  stateChanged?(info: {
    readonly projection: string
    readonly version: number
    readonly state: ProjectorState
    /** Of `failed` and `waiting`. */
    readonly error?: unknown
  }): void
  /** A batch is durable. */
  committed?(info: {
    readonly projection: string
    readonly version: number
    /** Folded with it. */
    readonly events: number
    readonly documents: number
    readonly position: bigint
    readonly live: boolean
    readonly durationMs: number
  }): void
}

export interface ProjectorOptions {
  readonly projection: Projection
  readonly events: EventStore
  readonly store: ReadStore
  readonly clock: Clock
  /** Names this process for claims. Where no other process can use the store, a name that is the same at each start. */
  readonly owner: string
  /** Another process takes over when this one was not heard of for so long, milliseconds. Default 10,000. */
  readonly leaseMs?: number
  /** A snapshot for reads as of a moment is made about every so many events of the projection's types. Default 2,000. */
  readonly snapshotEvery?: number
  readonly observer?: ProjectorObserver
}

export interface Projector {
  readonly projection: string
  readonly version: number
  readonly state: ProjectorState
  /** Commits what is folded, gives the claim back, ends. */
  stop(): Promise<void>
}

const defaultLeaseMs = 10_000
const defaultSnapshotEvery = 2_000
const longestPauseMs = 5_000

/**
 * Keeps one projection: claims its build, folds events from the checkpoint on, batch by batch, live. A fault of a store is
 * waited out; a fault of the projection's code ends this projector and no other.
 */
export function startProjector(options: ProjectorOptions): Projector {
  const { projection, store, clock, owner, leaseMs = defaultLeaseMs, snapshotEvery = defaultSnapshotEvery } = options
  const { name, version } = projection
  const stopping = new AbortController()
  const { signal } = stopping
  let state: ProjectorState = 'starting'

  const become = (next: ProjectorState, error?: unknown): void => {
    if (next === state) return
    state = next
    options.observer?.stateChanged?.({ projection: name, version, state, ...(error !== undefined && { error }) })
  }

  /** Events up to here are folded one by one: somewhere before it one cannot be folded, and all before that one can. */
  let carefulUntil = 0n

  async function round(): Promise<BuildEnd> {
    const result = await store.claim({ name, version, owner, leaseMs })
    if (result.kind === 'superseded') return { kind: 'superseded' }
    if (result.kind === 'held') {
      become('standby')
      await clock.sleep(Math.ceil(leaseMs / 3), signal)
      return { kind: 'again' }
    }
    become(result.live ? 'live' : 'building')
    const onLive = (): void => {
      become('live')
    }
    const { claim, position } = result
    const careful = position < carefulUntil
    const end = await followBuild({ ...options, ...{ leaseMs, snapshotEvery, onLive, signal } }, result, {
      carefulUntil: careful ? carefulUntil : undefined,
    }).catch(async (error: unknown): Promise<BuildEnd> => {
      if (!(error instanceof FoldError)) throw error
      if (!careful) {
        carefulUntil = error.event.position
        return { kind: 'again' }
      }
      await store.release(claim, failureOf(error, clock))
      return { kind: 'failed', error }
    })
    if (end.kind === 'stopped') await store.release(claim)
    return end
  }

  async function run(): Promise<void> {
    for (let faults = 0; !signal.aborted;) {
      try {
        const end = await round()
        faults = 0
        if (end.kind === 'superseded') {
          become('superseded')
          return
        }
        if (end.kind === 'failed') {
          become('failed', end.error)
          return
        }
        if (end.kind === 'fenced') become('standby')
      } catch (error) {
        if (!canRetry(error)) {
          become('failed', error)
          await recordFailure(error)
          return
        }
        become('waiting', error)
        await clock.sleep(Math.min(longestPauseMs, 100 * 2 ** Math.min(faults++, 10)), signal)
      }
    }
    become('stopped')
  }

  /** What does not mend itself is told where every gateway sees it, if the read store still takes it. */
  async function recordFailure(error: unknown): Promise<void> {
    try {
      const result = await store.claim({ name, version, owner, leaseMs })
      if (result.kind === 'claimed') await store.release(result.claim, failureOf(error, clock))
    } catch {
      // The log has it.
    }
  }

  const running = run()

  return {
    projection: name,
    version,
    get state() {
      return state
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

const canRetry = (error: unknown): boolean =>
  (error instanceof ReadStoreError || error instanceof EventStoreError) && error.canRetry

function failureOf(error: unknown, clock: Clock): ProjectionFailure {
  const event = error instanceof FoldError ? error.event : undefined
  return {
    position: event?.position ?? 0n,
    eventId: event?.id ?? '',
    message: (error instanceof Error ? error.message : String(error)).slice(0, 1_000),
    failedAtMs: clock.nowMs(),
  }
}

/** One projector for each projection; they go on, fail and stop apart from each other. */
export function startProjectors(
  projections: readonly Projection[],
  options: Omit<ProjectorOptions, 'projection'>,
): readonly Projector[] {
  return projections.map((projection) => startProjector({ ...options, projection }))
}
