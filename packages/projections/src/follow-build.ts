import type { Clock, EventStore, Projection, ProjectionClaim, ReadStore, ClaimResult } from '@holdfast/core'
import { createCommitter, type Committer } from './committer.ts'
import { EventOwners } from './event-owners.ts'
import { Fold } from './fold.ts'
import type { ProjectorObserver } from './projector.ts'

export interface FollowOptions {
  readonly projection: Projection
  readonly events: EventStore
  readonly store: ReadStore
  readonly clock: Clock
  readonly leaseMs: number
  readonly snapshotEvery: number
  readonly observer?: ProjectorObserver
  /** The build has become the one that is read. */
  readonly onLive: () => void
  /** Ends it, after what is folded was committed. */
  readonly signal: AbortSignal
}

/** Why following a build ended. `again`: claim again, and go on. */
export type BuildEnd =
  | { readonly kind: 'stopped' | 'fenced' | 'superseded' | 'again' }
  | { readonly kind: 'failed'; readonly error: unknown }

/** So many changed documents that are not handed over yet: folding waits for the store. */
const maxChanged = 2_000
/** Rows of older builds that are deleted in one transaction. */
const pruneRows = 500

/**
 * Follows the events from the checkpoint of a claim on, until it is told to stop, loses the claim, or something fails.
 *
 * @throws FoldError, of which nothing was committed; ReadStoreError, EventStoreError
 */
export async function followBuild(
  options: FollowOptions,
  claimed: Extract<ClaimResult, { kind: 'claimed' }>,
  { carefulUntil }: { readonly carefulUntil: bigint | undefined },
): Promise<BuildEnd> {
  const { projection, events, store, signal } = options
  const { claim, position } = claimed
  const { name, version } = claim
  const ended = new AbortController()
  const fold = new Fold(projection, {
    load: async (ids) => (await store.read({ name, version }, ids))?.documents ?? [],
    ...{ position, recordedUntilMs: claimed.recordedUntilMs },
    owners: new EventOwners(events),
    // A build without a checkpoint has no documents, and nobody else can give it any.
    fromNothing: position === 0n,
  })
  const committer = createCommitter(options, {
    ...{ claim, fold },
    onEnded: () => {
      ended.abort()
    },
    onLive: () => {
      options.onLive()
      void pruneOlder(options, ended.signal)
    },
  })
  const stopRenewing = keepClaim(options, claim, () => {
    ended.abort()
  })
  const stop = AbortSignal.any([signal, ended.signal])
  const maxBatch = carefulUntil === undefined ? {} : { maxBatch: 1 }
  const after = position === 0n ? {} : { after: position }
  try {
    for await (const batch of events.subscribe({
      prefix: '',
      types: projection.types,
      ...after,
      ...maxBatch,
      signal: stop,
    })) {
      if (stop.aborted) break
      await fold.apply(batch.events, batch.position)
      committer.moved(batch.caughtUp)
      if (carefulUntil !== undefined) await committer.settled()
      else if (fold.changed >= maxChanged) await committer.handedOver()
      if (carefulUntil !== undefined && batch.position >= carefulUntil) return { kind: 'again' }
    }
    return await endOf(committer, signal)
  } finally {
    stopRenewing()
    ended.abort()
    await committer.close()
  }
}

async function endOf(committer: Committer, signal: AbortSignal): Promise<BuildEnd> {
  if (signal.aborted) await committer.flush()
  await committer.settled()
  if (committer.superseded) return { kind: 'superseded' }
  // Stopped, or the claim is lost: by a commit, or by a renewal that came too late.
  return { kind: signal.aborted ? 'stopped' : 'fenced' }
}

/** Renews the claim while there is nothing to commit. The returned function ends that. */
function keepClaim({ store, clock, leaseMs }: FollowOptions, claim: ProjectionClaim, onLost: () => void): () => void {
  let cancel: () => void = () => undefined
  let over = false
  const next = (): void => {
    cancel = clock.schedule(Math.ceil(leaseMs / 3), () => {
      store.renew(claim).then(
        (held) => {
          if (over) return
          if (held) next()
          else onLost()
        },
        // The store is away: the next commit tells, or the next renewal.
        () => {
          if (!over) next()
        },
      )
    })
  }
  next()
  return () => {
    over = true
    cancel()
  }
}

/** What is left of older versions goes bit by bit. That it cannot be deleted now is nobody's fault: it is tried at the next start. */
async function pruneOlder({ store, projection, clock }: FollowOptions, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted && (await store.prune(projection.name, pruneRows))) await clock.sleep(20, signal)
  } catch {
    // Only space is lost.
  }
}
