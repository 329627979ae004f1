import type { Clock, ProjectionClaim, ReadStore } from '@holdfast/core'
import type { Fold } from './fold.ts'
import type { ProjectorObserver } from './projector.ts'

export interface CommitterOptions {
  readonly store: ReadStore
  readonly clock: Clock
  readonly snapshotEvery: number
  readonly observer?: ProjectorObserver
}

export interface CommitterParts {
  readonly claim: ProjectionClaim
  readonly fold: Fold
  /** Nothing can be committed any more: the claim is lost, a newer version is live, or a commit failed. */
  readonly onEnded: () => void
  /** The build became the one that is read. */
  readonly onLive: () => void
}

export interface Committer {
  /** A newer version is live. */
  readonly superseded: boolean
  /** The fold has moved; `caughtUp`: nothing stood behind it. Commits now, or when the commit before is done. */
  moved(caughtUp: boolean): void
  /** Commits what is left, also a position alone. */
  flush(): Promise<void>
  /** Resolves when no commit is under way or due. @throws what a commit failed with */
  settled(): Promise<void>
  /** Resolves when the commit under way is done: by then the next one has taken what has changed. @throws as `settled` */
  handedOver(): Promise<void>
  /** Waits for the commit under way, and begins none. */
  close(): Promise<void>
}

/** A position alone is written at most so often: events that a projection does not fold cost it little. */
const positionEveryMs = 50

/**
 * Writes what a fold has come to, one transaction after the other. While one is under way the fold goes on, and what it
 * comes to meanwhile is the next one.
 */
export function createCommitter(options: CommitterOptions, parts: CommitterParts): Committer {
  const { store, clock, snapshotEvery, observer } = options
  const { claim, fold, onEnded, onLive } = parts
  let underWay: Promise<void> | undefined
  let ended = false
  let superseded = false
  let failure: unknown
  let caughtUp = false
  /** The last commit said so. */
  let told = false
  let live = false
  let committedPosition = fold.position
  let committedEvents = 0
  let lastAtMs = 0
  /** The first commit makes one: how many events stand behind the last is not known after a start. */
  let snapshotAt = 1
  let cancel: (() => void) | undefined

  /** A build that has caught up says so once, in order to become live. */
  const due = (): boolean => fold.changed > 0 || fold.position > committedPosition || (caughtUp && !told)

  function next(): void {
    if (ended || fold.broken || underWay !== undefined || !due()) return
    cancel?.()
    cancel = undefined
    const pauseMs = lastAtMs + positionEveryMs - clock.nowMs()
    if (fold.changed === 0 && live && pauseMs > 0) {
      cancel = clock.schedule(pauseMs, () => {
        lastAtMs = 0
        next()
      })
      return
    }
    underWay = write().catch((error: unknown) => {
      failure = error
      end()
    })
    void underWay.then(() => {
      underWay = undefined
      next()
    })
  }

  function end(): void {
    ended = true
    onEnded()
  }

  async function write(): Promise<void> {
    const startedAtMs = clock.nowMs()
    const { position, recordedUntilMs, events } = fold
    const changes = fold.take()
    const snapshot = events >= snapshotAt
    const said = caughtUp
    const result = await store.commit(claim, { changes, position, recordedUntilMs, snapshot, caughtUp })
    if (result.kind !== 'committed') {
      superseded = result.kind === 'superseded'
      end()
      return
    }
    told = said
    if (snapshot) snapshotAt = events + snapshotEvery
    lastAtMs = clock.nowMs()
    const { name: projection, version } = claim
    const info = { projection, version, position, documents: changes.length, durationMs: lastAtMs - startedAtMs }
    observer?.committed?.({ ...info, events: events - committedEvents, live: result.live })
    committedPosition = position
    committedEvents = events
    // Nothing that was taken before this is in doubt; what was changed since is not forgotten.
    fold.trim()
    if (result.live && !live) onLive()
    live = result.live
  }

  const settled = async (): Promise<void> => {
    while (underWay !== undefined) await underWay
    if (failure !== undefined) throw failure as Error
  }

  return {
    get superseded() {
      return superseded
    },
    moved: (now) => {
      caughtUp = now
      next()
    },
    flush: async () => {
      lastAtMs = 0
      next()
      await settled()
    },
    settled,
    handedOver: async () => {
      await underWay
      if (failure !== undefined) throw failure as Error
    },
    close: async () => {
      ended = true
      cancel?.()
      while (underWay !== undefined) await underWay
    },
  }
}
