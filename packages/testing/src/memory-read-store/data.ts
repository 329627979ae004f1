import type { ProjectionBuild, ProjectionFailure, SnapshotInfo } from '@holdfast/core'

/** A document as some commit made it. */
export interface DocumentVersion {
  readonly tenant: string
  readonly id: string
  /** Checkpoint of the commit. */
  readonly since: bigint
  readonly json: string | undefined
}

export interface BuildData extends ProjectionBuild {
  position: bigint
  recordedUntilMs: number
  owner: string | undefined
  leaseUntilMs: number
  token: bigint
  failure: ProjectionFailure | undefined
  readonly snapshots: SnapshotInfo[]
  /** By tenant and id; the versions that snapshots need, the oldest first, and the current one last. */
  readonly documents: Map<string, DocumentVersion[]>
}

/** What survives every process. Stores are opened on it. */
export interface MemoryReadData {
  readonly builds: Map<string, BuildData>
  /** Version that is read, by name. */
  readonly live: Map<string, number>
}

export function createMemoryReadData(): MemoryReadData {
  return { builds: new Map(), live: new Map() }
}

export const buildKey = ({ name, version }: ProjectionBuild): string => `${name}\0${version}`

export function newBuild({ name, version }: ProjectionBuild): BuildData {
  return {
    name,
    version,
    position: 0n,
    recordedUntilMs: 0,
    owner: undefined,
    leaseUntilMs: 0,
    token: 0n,
    failure: undefined,
    snapshots: [],
    documents: new Map(),
  }
}

/** The document as of a snapshot, or as of now. */
export function documentAt(
  versions: readonly DocumentVersion[] | undefined,
  snapshot: bigint | undefined,
): DocumentVersion | undefined {
  return snapshot === undefined ? versions?.at(-1) : versions?.findLast(({ since }) => since <= snapshot)
}

/** Keeps the document that was there if the newest snapshot needs it. */
export function putDocument(build: BuildData, version: DocumentVersion): void {
  const key = `${version.tenant}\0${version.id}`
  const versions = build.documents.get(key) ?? []
  const newest = build.snapshots.at(-1)?.position
  const current = versions.at(-1)
  const kept =
    current !== undefined && (newest === undefined || current.since > newest) ? versions.slice(0, -1) : versions
  build.documents.set(key, [...kept, version])
}
