/**
 * A build of a projection: what one version of its definition has made of the events. Builds of several versions stand
 * side by side; one of them is **live**.
 */
export interface ProjectionBuild {
  readonly name: string
  /** A whole number from 1. */
  readonly version: number
}

export interface DocumentId {
  /** Whose document it is; '' in a projection that all tenants share. */
  readonly tenant: string
  /** 1 to 1,024 bytes of UTF-8, without NUL. */
  readonly id: string
}

/** A document as it is from this commit on. */
export interface DocumentChange extends DocumentId {
  /** JSON text; undefined: there is no such document any more. */
  readonly json: string | undefined
}

export interface ClaimRequest extends ProjectionBuild {
  /** Names this process. The same owner may claim again at any time: its claim from before is fenced. */
  readonly owner: string
  /** So long after the last sign of life (claim, renewal, commit) another owner may take over, milliseconds. */
  readonly leaseMs: number
}

/** The right to fold a build: one process at a time has it. */
export interface ProjectionClaim extends ClaimRequest {
  /**
   * Fencing token: greater with each claim of the build. What comes with an older one is refused, so that a process that
   * was paused, and lost its claim meanwhile, cannot write.
   */
  readonly token: bigint
}

export type ClaimResult =
  | {
      readonly kind: 'claimed'
      readonly claim: ProjectionClaim
      /** Checkpoint: everything up to here is in the documents. 0n: nothing is, subscribe from the beginning. */
      readonly position: bigint
      /** Greatest `recordedAtMs` of the events that were folded; 0 for none. */
      readonly recordedUntilMs: number
      readonly live: boolean
    }
  /** Another process has it, and has been heard of within its lease. */
  | { readonly kind: 'held'; readonly owner: string }
  /** A newer version is live: this one is never built again. */
  | { readonly kind: 'superseded'; readonly liveVersion: number }

/** What a batch of events comes to. Happens whole or not at all. */
export interface ProjectionCommit {
  /** Each document at most once. */
  readonly changes: readonly DocumentChange[]
  /** The checkpoint from now on; never less than the one before. */
  readonly position: bigint
  /** See {@link ClaimResult}; never less than before. */
  readonly recordedUntilMs: number
  /** Keep the state as it is after this commit, for reads as of `position`. Costs nothing by itself: see {@link ReadStore}. */
  readonly snapshot: boolean
  /**
   * True when nothing stood behind `position` at the time of reading. A build that is not live becomes so with this commit
   * if the live one is of an older version and its checkpoint is not ahead of `position`.
   */
  readonly caughtUp: boolean
}

export type CommitResult =
  /** `live`: whether this build is the one that is read, from this commit on. */
  | { readonly kind: 'committed'; readonly live: boolean }
  /** The claim has been lost: nothing was written. */
  | { readonly kind: 'fenced' }
  /** A newer version is live by now: nothing was written. */
  | { readonly kind: 'superseded'; readonly liveVersion: number }

/** Why a build stands still. */
export interface ProjectionFailure {
  /** Of the event that could not be folded; 0n when it is about no event. */
  readonly position: bigint
  /** Id of that event; '' for none. */
  readonly eventId: string
  /** For operators, not for callers. */
  readonly message: string
  /** The projector's clock, milliseconds since the epoch. */
  readonly failedAtMs: number
}

export interface BuildStatus extends ProjectionBuild {
  readonly live: boolean
  /** Checkpoint; 0n when nothing was folded. */
  readonly position: bigint
  readonly recordedUntilMs: number
  /** Who has the claim; undefined when nobody has, or its lease has run out. */
  readonly owner: string | undefined
  /** Of its last projector, if that gave up; undefined again from the next commit on. */
  readonly failure: ProjectionFailure | undefined
}

/** Which build is read, and as of when. */
export interface ReadSelector {
  readonly name: string
  /** Default: the live version. */
  readonly version?: number
  /** Position of a snapshot of this build, as `nearestSnapshot` tells it (0n: before all events). Default: as of now. */
  readonly snapshot?: bigint
}

/** What a read saw, all of it at one moment. */
interface ReadResult {
  readonly version: number
  /** Checkpoint of the state that was read: the snapshot's, or the build's at that moment. */
  readonly position: bigint
}

export interface DocumentsRead extends ReadResult {
  /** JSON texts in the order of the ids that were asked for; undefined where there is no document. */
  readonly documents: readonly (string | undefined)[]
}

export interface ListQuery {
  /** '' in a projection that all tenants share. */
  readonly tenant: string
  /** Only ids behind this one. Default: from the first. */
  readonly after?: string
  /** At most so many documents, 1 to 10,000. */
  readonly limit: number
}

export interface DocumentPage extends ReadResult {
  /** In the order of the UTF-8 bytes of their ids. Fewer than `limit`: there are no more. */
  readonly documents: readonly { readonly id: string; readonly json: string }[]
}

export interface SnapshotInfo {
  /** 0n: before all events. */
  readonly position: bigint
  /** No event up to `position` was recorded later. */
  readonly recordedUntilMs: number
}

/**
 * Where projections are kept: documents, their checkpoint, snapshots and the projector's claim, in one database, so that
 * they change in one transaction. Every adapter runs the contract suite `@holdfast/testing/read-store-contract`.
 *
 * **Snapshots** are copies on write. A snapshot by itself is a position that is remembered. The first commit after it that
 * changes a document keeps what the document was (also that there was none: a document that was removed leaves a mark). So
 * a document that does not change is stored once, however many snapshots there are. How: each document carries the
 * checkpoint of the commit that made it; a commit keeps the old one if that is not later than the newest snapshot; and as
 * of a snapshot, the document with the greatest checkpoint that is not later counts.
 *
 * JSON texts are kept as they are, byte by byte. Positions have 63 bits, versions 31, recordedUntilMs 53.
 *
 * All methods may reject with {@link ReadStoreError}. After an `unavailable` commit it is not known whether it happened:
 * claim again, and go on from the checkpoint that the claim tells.
 */
export interface ReadStore {
  /**
   * Takes a build, or asks for it again. Makes it when there is none; it is live at once if no version of this projection
   * is. The clock of leases is the store's own.
   */
  claim(request: ClaimRequest): Promise<ClaimResult>
  /** A sign of life, for when there is nothing to commit. False: the claim has been lost. */
  renew(claim: ProjectionClaim): Promise<boolean>
  /** Gives a claim back, and says why if it is for a failure. Does nothing if it has been lost. */
  release(claim: ProjectionClaim, failure?: ProjectionFailure): Promise<void>
  /**
   * Writes documents and checkpoint in one transaction; a sign of life too. A claim whose lease has run out still counts
   * while nobody else has taken the build.
   */
  commit(claim: ProjectionClaim, commit: ProjectionCommit): Promise<CommitResult>
  /**
   * Deletes what is left of builds that are older than the live one, at most `limit` rows. True when there may be more.
   */
  prune(name: string, limit: number): Promise<boolean>

  /** Where the live build stands; undefined when the projection was never claimed. Cheap: it is polled. */
  live(name: string): Promise<BuildStatus | undefined>
  /** All builds of a projection, the newest version first. */
  builds(name: string): Promise<readonly BuildStatus[]>
  /** Documents by id; undefined when there is no such build. Sees every commit that was acknowledged. */
  read(selector: ReadSelector, ids: readonly DocumentId[]): Promise<DocumentsRead | undefined>
  /** A page of a tenant's documents; undefined when there is no such build. */
  list(selector: ReadSelector, query: ListQuery): Promise<DocumentPage | undefined>
  /**
   * The last snapshot that is not later than `position`, or that holds no event recorded after `timeMs`: else
   * `{ position: 0n, recordedUntilMs: 0 }`. Undefined when there is no such build.
   */
  nearestSnapshot(
    build: ProjectionBuild,
    bound: { readonly position: bigint } | { readonly timeMs: number },
  ): Promise<SnapshotInfo | undefined>
  /** Waits for the commits under way, then releases everything. Claims are not given back by this. */
  close(): Promise<void>
}

export type ReadStoreErrorCode = 'unavailable' | 'corrupt' | 'closed'

/** A fault of the read store. */
export class ReadStoreError extends Error {
  override readonly name = 'ReadStoreError'
  readonly code: ReadStoreErrorCode

  constructor(code: ReadStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** True when the same call may be made again as it is; a commit only after a new claim. */
  get canRetry(): boolean {
    return this.code === 'unavailable'
  }
}
